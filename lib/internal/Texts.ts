/**
 * Memory that two threads share for short texts that go from one to the other, one for each item at most. Loads nothing of
 * Effect.
 */
import { Buffer } from "node:buffer"

/** How many texts can be on their way, and the bytes of the longest. */
const count = 64
const longest = 2048

export class Texts {
  static readonly bytes = count * (longest + Int32Array.BYTES_PER_ELEMENT)
  /** The length of each in bytes; 0 where there is none. */
  readonly #lengths: Int32Array
  readonly #bytes: Buffer

  constructor(memory: SharedArrayBuffer, at: number) {
    this.#lengths = new Int32Array(memory, at, count)
    this.#bytes = Buffer.from(memory, at + this.#lengths.byteLength, count * longest)
  }

  /** Puts down the text of an item, if it fits and the one that was in its place has been taken. */
  put(item: number, text: string): boolean {
    const place = item % count
    if (Atomics.load(this.#lengths, place) !== 0 || Buffer.byteLength(text) > longest) return false
    Atomics.store(this.#lengths, place, this.#bytes.write(text, place * longest))
    return true
  }

  /** Takes the text that was put down for an item. */
  take(item: number): string {
    const place = item % count
    const from = place * longest
    const text = this.#bytes.toString("utf8", from, from + Atomics.load(this.#lengths, place))
    Atomics.store(this.#lengths, place, 0)
    return text
  }
}
