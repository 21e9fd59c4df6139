/**
 * Memory that two threads share for small things that go from one to the other, one for each item at most. Loads nothing of
 * Effect.
 */
import { Buffer } from "node:buffer"

/** How many can be on their way, and the bytes of the longest. */
const count = 64
const longest = 2048

export class Places {
  static readonly bytes = count * (longest + Int32Array.BYTES_PER_ELEMENT)
  /** 0 where there is nothing, or else one more than the length in bytes. */
  readonly #lengths: Int32Array
  readonly #bytes: Buffer

  constructor(memory: SharedArrayBuffer, at: number) {
    this.#lengths = new Int32Array(memory, at, count)
    this.#bytes = Buffer.from(memory, at + this.#lengths.byteLength, count * longest)
  }

  /** Puts down the text of an item, if it fits and what was in its place has been taken. */
  putText(item: number, text: string): boolean {
    return this.#put(item, Buffer.byteLength(text), (at) => this.#bytes.write(text, at))
  }

  /** The same for bytes. */
  putBytes(item: number, bytes: Uint8Array): boolean {
    return this.#put(item, bytes.length, (at) => this.#bytes.set(bytes, at))
  }

  /** Takes the text that was put down for an item. */
  takeText(item: number): string {
    const text = this.#at(item).toString()
    this.#clear(item)
    return text
  }

  /** The same for bytes, in a buffer of their own. */
  takeBytes(item: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#at(item))
    this.#clear(item)
    return bytes
  }

  #put(item: number, length: number, write: (at: number) => void): boolean {
    const place = item % count
    if (length > longest || Atomics.load(this.#lengths, place) !== 0) return false
    write(place * longest)
    Atomics.store(this.#lengths, place, length + 1)
    return true
  }

  #at(item: number): Buffer {
    const place = item % count
    return this.#bytes.subarray(place * longest, place * longest + Atomics.load(this.#lengths, place) - 1)
  }

  #clear(item: number): void {
    Atomics.store(this.#lengths, item % count, 0)
  }
}
