/** Jobs whose results have memory of their own. */
import * as Job from "../../lib/Job.ts"
import * as Notes from "./notes.ts"

export interface Fill {
  readonly length: number
  readonly value: number
}

/** `length` times `value`. */
export const filled = Job.make(
  import.meta,
  "filled",
  ({ length, value }: Fill, context) => context.allocateUnsafe(Float64Array, length).fill(value)
)

/** What `allocate` and `allocateUnsafe` give. With a `fill`, what is there is overwritten. */
export const found = Job.make(
  import.meta,
  "found",
  (
    { fill, length, zeroed }: { readonly length: number; readonly zeroed: boolean; readonly fill?: number },
    context
  ) => {
    const values = zeroed ? context.allocate(Float64Array, length) : context.allocateUnsafe(Float64Array, length)
    return fill === undefined ? values : values.fill(fill)
  }
)

/** As many zeros, as bigints. */
export const bigZeros = Job.make(
  import.meta,
  "bigZeros",
  (length: number, context) => context.allocate(BigInt64Array, length)
)

/** A number that is odd as it is, one that is even in an array. */
export const evenInArray = Job.make(
  import.meta,
  "evenInArray",
  (n: number, context) => n % 2 === 1 ? n : context.allocate(Float64Array, 1).fill(n)
)

/** What `allocateUnsafe` gives, as it is. */
export const unwritten = Job.make(
  import.meta,
  "unwritten",
  (length: number, context) => context.allocateUnsafe(Float64Array, length)
)

/** A result with buffers in places of many kinds. */
export const nested = Job.make(import.meta, "nested", (length: number, context) => ({
  inArray: [context.allocate(Uint8Array, length)],
  inMap: new Map([["key", context.allocate(Uint8Array, length)]]),
  buffer: context.allocate(Uint8Array, length).buffer
}))

const sent: Array<ArrayBuffer> = []

/** Tells how long the buffers of its earlier results are now, on the side of the worker. */
export const transferred = Job.make(
  import.meta,
  "transferred",
  ({ transfer }: { readonly transfer: boolean }, context) => {
    const values = new Float64Array([1, 2, 3])
    const result = { values, lengthsBefore: sent.map((buffer) => buffer.byteLength) }
    sent.push(values.buffer)
    return transfer ? context.transfer(result, [values.buffer]) : result
  }
)

let returned: Float64Array | undefined

/** As `filled`; tells what was there, and how long what its last run returned is now. */
export const refilled = Job.make(import.meta, "refilled", ({ length, value }: Fill, context) => {
  const values = context.allocateUnsafe(Float64Array, length)
  const result = { values, found: values[0], lengthOfLast: returned?.length }
  values.fill(value)
  returned = values
  return result
})

/** Returns two million bytes when it is told to stop. */
export const whenStopped = Job.make(import.meta, "whenStopped", async (notes: Notes.Notes, { signal }) => {
  Notes.write(notes, "begin stopped")
  await new Promise((resolve) => signal.addEventListener("abort", resolve))
  return new Uint8Array(2_000_000)
})

/** Returns two million bytes when the gate is open. */
export const whenOpen = Job.make(import.meta, "whenOpen", async (notes: Notes.Notes) => {
  Notes.write(notes, "begin")
  await Notes.atGate(notes)
  return new Uint8Array(2_000_000)
})

/** Moves away what it allocated. */
export const moveAway = Job.make(import.meta, "moveAway", (length: number, context) => {
  context.allocate(Uint8Array, length).buffer.transfer()
  return "moved"
})
