/** The kinds of typed arrays that this Node has. Loads nothing of Effect. */
import type * as Job from "../Job.ts"

export const typedArrays: ReadonlyArray<new(buffer: ArrayBuffer) => Job.TypedArray> = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  ...(typeof Float16Array === "undefined" ? [] : [Float16Array]),
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array
]
