import * as Job from "../Job.ts"

/** The sines of 0, 1, … `count` - 1 radians. */
export const sin = Job.make(import.meta, "sin", (input: { readonly count: number }, context) => {
  const values = context.allocate(Float64Array, input.count)
  for (let i = 0; i < values.length; i++) values[i] = Math.sin(i)
  return values
})
