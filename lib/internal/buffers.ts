/**
 * The buffers of a job's results: where they are allocated, which of them a result holds, and how they are let go.
 * Loads nothing of Effect.
 */
import { isArrayBuffer, isNativeError } from "node:util/types"
import type * as Job from "../Job.ts"

/** Gives the memory back now, not when the collector comes by. Somebody may have moved it before. */
export const free = (buffer: ArrayBuffer): void => {
  if (!buffer.detached) buffer.transfer(0)
}

/** The buffers of one worker: those it may fill again, and those that the run in progress has taken. */
export class Buffers {
  #spares = new BySize()
  #taken: Array<ArrayBuffer> = []
  #moving: Array<ArrayBuffer> = []
  #left = new BySize()

  /** Begins a run that may fill `spares` beside what the last run left. */
  begin(spares: ReadonlyArray<ArrayBuffer>): void {
    for (const spare of spares) this.#spares.add(spare)
  }

  allocate<T extends Job.TypedArray>(constructor: Job.TypedArrayConstructor<T>, length: number, zeroed: boolean): T {
    const bytes = length * constructor.BYTES_PER_ELEMENT
    const spare = this.#left.take(bytes) ?? this.#spares.take(bytes)
    if (spare !== undefined && zeroed) new Uint8Array(spare).fill(0)
    const array = new constructor(spare ?? length)
    this.#taken.push(array.buffer)
    return array
  }

  move(buffers: ReadonlyArray<ArrayBuffer>): void {
    for (const buffer of buffers) this.#moving.push(buffer)
  }

  /** Whether buffers move whatever the results are. */
  get mustMove(): boolean {
    return this.#moving.length > 0
  }

  /** Whether buffers move, or may do with the results. */
  get mayMove(): boolean {
    return this.mustMove || this.#taken.length > 0
  }

  /** Which buffers move with `results`. The others that the jobs so far allocated are to be filled again. */
  take(results: ReadonlyArray<unknown>): ReadonlyArray<ArrayBuffer> {
    if (this.#taken.length === 0 && this.#moving.length === 0) return []
    const inResults = this.#taken.length === 0 ? new Set<ArrayBuffer>() : buffersIn(results)
    const moving = new Set([...this.#taken.filter((buffer) => inResults.has(buffer)), ...this.#moving])
    for (const buffer of this.#taken) if (!moving.has(buffer)) this.#left.add(buffer)
    this.#taken = []
    this.#moving = []
    return [...moving]
  }

  /** Keeps for the next run what would have moved with a result that went another way; views of it are empty, too. */
  keep(): void {
    for (const buffer of [...this.#taken.splice(0), ...this.#moving.splice(0)]) {
      try {
        if (!buffer.detached) this.#left.add(buffer.transfer())
      } catch {
        // A memory of WebAssembly cannot move.
      }
    }
  }

  /** Ends a run. What it did not use is freed, what it has left is kept for the next. */
  end(): void {
    const unused = this.#spares
    unused.free()
    this.#spares = this.#left
    this.#left = unused
  }
}

/** Buffers by how long they are, of which there may be many. */
class BySize {
  readonly #buffers = new Map<number, Array<ArrayBuffer>>()

  add(buffer: ArrayBuffer): void {
    const others = this.#buffers.get(buffer.byteLength)
    if (others === undefined) this.#buffers.set(buffer.byteLength, [buffer])
    else others.push(buffer)
  }

  /** Takes one of so many bytes that nobody has moved. */
  take(bytes: number): ArrayBuffer | undefined {
    const buffers = this.#buffers.get(bytes)
    let buffer = buffers?.pop()
    while (buffer?.detached === true) buffer = buffers!.pop()
    return buffer
  }

  free(): void {
    if (this.#buffers.size === 0) return
    for (const buffers of this.#buffers.values()) buffers.forEach(free)
    this.#buffers.clear()
  }
}

/** Takes one of so many bytes out of `buffers`. */
export const takeOf = (buffers: Array<ArrayBuffer>, bytes: number): ArrayBuffer | undefined => {
  const at = buffers.findIndex((buffer) => buffer.byteLength === bytes && !buffer.detached)
  return at === -1 ? undefined : buffers.splice(at, 1)[0]
}

/** Every ArrayBuffer that the structured clone of `value` would reach. */
export const buffersIn = (value: unknown): Set<ArrayBuffer> => {
  const found = new Set<ArrayBuffer>()
  for (const object of objectsIn(value)) if (isArrayBuffer(object)) found.add(object)
  return found
}

/** Every object that the structured clone of `value` would reach. */
export const objectsIn = (value: unknown): Set<object> => {
  const seen = new Set<object>()
  const left: Array<unknown> = [value]
  while (left.length > 0) {
    const at = left.pop()
    if (typeof at !== "object" || at === null || seen.has(at)) continue
    seen.add(at)
    for (const part of partsOf(at)) left.push(part)
  }
  return seen
}

/** Whether the structured clones of two of `values` would have an object in common, if they were cloned together. */
export const haveCommonObject = (values: ReadonlyArray<unknown>): boolean => {
  const seen = new Set<object>()
  for (const value of values) {
    if (typeof value !== "object" || value === null) continue
    for (const object of objectsIn(value)) if (seen.size === seen.add(object).size) return true
  }
  return false
}

/** None where to look at them throws, as a getter or a revoked proxy does: then the value cannot be cloned anyway. */
const partsOf = (object: object): ReadonlyArray<unknown> => {
  try {
    if (isArrayBuffer(object)) return []
    if (ArrayBuffer.isView(object)) return [object.buffer]
    // Its fields are left out.
    if (isNativeError(object)) return [object.cause]
    return object instanceof Map || object instanceof Set ? [...object] : Object.values(object)
  } catch {
    return []
  }
}

/** Bytes of the ArrayBuffers in `value`. */
export const bytesIn = (value: unknown): number => {
  let bytes = 0
  for (const buffer of buffersIn(value)) bytes += buffer.byteLength
  return bytes
}
