/**
 * Values as bytes: JSON, and the bytes of typed arrays beside it.
 *
 * `[length of the head: 4 bytes][head: JSON][the arrays' bytes, one after the other]`; the head is `[value, arrays]` with
 * null in the place of each array, and for each array its path, its type and its length in bytes. An undefined within a
 * value goes as an array without bytes. What cannot be said so is refused, so that what arrives is what was sent.
 * Loads nothing of Effect.
 */
import { isArrayBuffer } from "node:util/types"
import type * as Job from "../../Job.ts"
import { free, takeOf } from "../buffers.ts"
import { typedArrays } from "../typedArrays.ts"

/** A value that cannot be sent as it is. */
export class Unsendable extends Error {
  readonly _tag = "Unsendable"
}

const empty = new Uint8Array()

type Path = ReadonlyArray<string | number>

type ArrayHead = readonly [path: Path, type: string, bytes: number]

const makers = new Map<string, (buffer: ArrayBuffer) => unknown>([
  ["ArrayBuffer", (buffer) => buffer],
  ["undefined", () => undefined]
])

for (const constructor of [...typedArrays, DataView]) {
  makers.set(constructor.name, (buffer) => new constructor(buffer))
}

/** Which of a job's schemas a value goes by. */
export type SchemaName = keyof Job.Schemas<unknown, unknown, unknown>

/** Gathers values into one message. */
export class Writer {
  readonly #arrays: Array<ArrayHead> = []
  readonly #parts: Array<Uint8Array> = []
  readonly #values: Array<[unknown] | []> = []
  #path: Array<string | number> = []
  #schema: SchemaName = "result"
  #hidden = 2
  #size = 0

  /**
   * What cannot be sent needs the job's `schema`. The first `hidden` steps of a path into `value` are not told of.
   *
   * @throws Unsendable, and then leaves the message as it was.
   */
  add(value: unknown, schema: SchemaName = "result", hidden = 0): void {
    this.#schema = schema
    this.#hidden = 2 + hidden
    const arrays = this.#arrays.length
    const size = this.#size
    this.#path = [this.#values.length, 0]
    try {
      // JSON has no undefined, which is what many a job returns.
      this.#values.push(value === undefined ? [] : [this.#toJson(value)])
    } catch (error) {
      this.#arrays.length = arrays
      this.#parts.length = arrays
      this.#size = size
      throw error
    }
  }

  /** The message, in pieces: its head, and the arrays where they are. */
  pieces(): Array<Uint8Array> {
    const json = Buffer.from(JSON.stringify([this.#values, this.#arrays]))
    const bytes = this.#parts.reduce((sum, part) => sum + part.length, json.length)
    if (json.length > maxHeadBytes) throw tooLarge(`${json.length} bytes of JSON`, maxHeadBytes, "as typed arrays")
    if (bytes > maxBytes) throw tooLarge(`${bytes} bytes`, maxBytes, "in parts, by several jobs")
    const length = Buffer.alloc(4)
    length.writeUInt32LE(json.length)
    return [Buffer.concat([length, json]), ...this.#parts]
  }

  #toJson(value: unknown): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value
      case "number":
        if (Number.isFinite(value)) return Object.is(value, -0) ? minusZero : value
        throw this.#unsendable(String(value))
      case "object":
        return value === null ? null : this.#objectToJson(value)
      case "undefined":
        return this.#addPart("undefined", empty)
      default:
        throw this.#unsendable(value === hole ? "a hole" : `a ${typeof value}`)
    }
  }

  #objectToJson(value: object): unknown {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return this.#addArray(value)
    if (this.#path.length > maxDepth) throw this.#unsendable("what is so deep, or within itself,")
    if (Array.isArray(value)) {
      this.#grow(value.length)
      if (Object.keys(value).length > value.length) throw this.#unsendable("an array with properties of its own")
      return Array.from(
        value,
        (item, index) => this.#within(index, item === undefined && !(index in value) ? hole : item)
      )
    }
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype !== Object.prototype && prototype !== null) {
      throw this.#unsendable(`a ${value.constructor?.name ?? "class's instance"}`)
    }
    const entries = Object.entries(value)
    this.#grow(entries.length)
    return Object.fromEntries(entries.map(([key, property]) => [key, this.#within(key, property)]))
  }

  #grow(values: number) {
    this.#size += values
    if (this.#size > maxValues) {
      throw tooLarge(`${this.#size} values of JSON or more`, maxValues, "as typed arrays, in smaller parts or chunks")
    }
  }

  #within(step: string | number, value: unknown): unknown {
    this.#path.push(step)
    const json = this.#toJson(value)
    this.#path.pop()
    return json
  }

  #addArray(value: ArrayBufferView | ArrayBuffer): null {
    const isView = ArrayBuffer.isView(value)
    // Who waits for what is written there would wait on a copy, for ever.
    if (isView && !isArrayBuffer(value.buffer)) throw this.#unsendable("an array on a SharedArrayBuffer")
    const bytes = isView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value)
    const type = value instanceof Uint8Array ? "Uint8Array" : value.constructor.name
    if (!makers.has(type)) throw this.#unsendable(`a ${type}`)
    return this.#addPart(type, bytes)
  }

  #addPart(type: string, bytes: Uint8Array): null {
    this.#arrays.push([[...this.#path], type, bytes.byteLength])
    this.#parts.push(bytes)
    return null
  }

  #unsendable(what: string) {
    const steps = this.#path.slice(this.#hidden, this.#hidden + 10).map((step) =>
      typeof step === "number" ? `[${step}]` : `.${step}`
    ).join("")
    const at = steps === "" ? "" : ` at ${steps}`
    return new Unsendable(
      `${what}${at} is not JSON: expected a schema for it, as in Job.make(…, { ${this.#schema}: … })`
    )
  }
}

declare global {
  interface JSON {
    /** Node has it, TypeScript's own types do not yet. */
    rawJSON(text: string): unknown
  }
}

/** JSON can say it, but `JSON.stringify` does not. */
const minusZero = JSON.rawJSON("-0")

/** An element of an array that is not there. */
const hole = Symbol("hole")

const maxDepth = 1000
/** So few that a runner is heard of while it encodes them, and no other takes its jobs for lost. */
const maxValues = 2_000_000
const maxHeadBytes = 100_000_000
const maxBytes = 4_000_000_000

const tooLarge = (what: string, limit: number, how: string) =>
  new Unsendable(`it is ${what} and the limit is ${limit}: send it ${how}, or where it is to be found`)

/** Takes a message in whatever pieces it comes. */
export class Reader {
  readonly #pieces: Array<Buffer> = []
  #length = 0
  #values: Array<[unknown]> | undefined
  readonly #left: Array<{ readonly head: ArrayHead; readonly bytes: Uint8Array<ArrayBuffer>; filled: number }> = []
  readonly #buffers: Array<ArrayBuffer> = []
  readonly #spares: Array<ArrayBuffer>

  /** Fills `spares` again, where they are as long as an array of the message. */
  constructor(spares: ReadonlyArray<ArrayBuffer> = []) {
    this.#spares = [...spares]
  }

  push(piece: Uint8Array): void {
    const rest = this.#values === undefined ? this.#readHead(piece) : piece
    let at = 0
    while (at < rest.length && this.#left.length > 0) {
      const array = this.#left[0]!
      const taken = rest.subarray(at, at + array.bytes.length - array.filled)
      array.bytes.set(taken, array.filled)
      array.filled += taken.length
      at += taken.length
      if (array.filled === array.bytes.length) this.#place(this.#left.shift()!)
    }
  }

  /** The values, and the buffers that they hold. */
  end(): Message {
    this.#spares.forEach(free)
    if (this.#values === undefined || this.#left.length > 0) throw new Error("the message is cut off")
    return { values: this.#values.map(([value]) => value), buffers: this.#buffers }
  }

  #readHead(piece: Uint8Array): Uint8Array {
    // A piece lasts until the next.
    this.#pieces.push(Buffer.from(piece))
    this.#length += piece.length
    if (this.#length < 4) return empty
    const end = 4 + Buffer.concat(this.#pieces, 4).readUInt32LE()
    if (this.#length < end) return empty
    const head = Buffer.concat(this.#pieces.splice(0))
    const [values, arrays] = JSON.parse(head.toString("utf8", 4, end)) as [Array<[unknown]>, Array<ArrayHead>]
    this.#values = values
    for (const head of arrays) {
      const buffer = takeOf(this.#spares, head[2]) ?? new ArrayBuffer(head[2])
      const array = { head, bytes: new Uint8Array(buffer), filled: 0 }
      if (head[2] === 0) this.#place(array)
      else this.#left.push(array)
    }
    return head.subarray(end)
  }

  #place({ bytes, head: [path, type] }: { readonly head: ArrayHead; readonly bytes: Uint8Array<ArrayBuffer> }) {
    this.#buffers.push(bytes.buffer)
    let at: unknown = this.#values
    for (const step of path.slice(0, -1)) at = own(at, step)
    own(at, path.at(-1)!)
    const make = makers.get(type)
    if (make === undefined) throw new Error(`the message has an array of an unknown type, ${type}`)
    ;(at as Record<string | number, unknown>)[path.at(-1)!] = make(bytes.buffer)
  }
}

/** Reads a message that is here as a whole. */
export const read = (bytes: Uint8Array): Message => {
  const reader = new Reader()
  reader.push(bytes)
  return reader.end()
}

/** Values, and the buffers that they hold. */
export interface Message {
  readonly values: ReadonlyArray<unknown>
  readonly buffers: ReadonlyArray<ArrayBuffer>
}

/** What comes over the network does not get to reach a prototype. */
const own = (object: unknown, step: string | number): unknown => {
  if (typeof object !== "object" || object === null || !Object.hasOwn(object, step)) {
    throw new Error(`the message has no place ${step}`)
  }
  return (object as Record<string | number, unknown>)[step]
}
