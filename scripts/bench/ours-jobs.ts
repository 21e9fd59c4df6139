/** The jobs of `jobs.js`, made jobs of this project. */
import * as Job from "../../lib/Job.ts"
import * as jobs from "./jobs.js"

export const noop = Job.make(import.meta, "noop", jobs.noop)

export const busy = Job.make(import.meta, "busy", jobs.busy)

export const block = Job.make(import.meta, "block", jobs.block)

export const spin = Job.make(import.meta, "spin", jobs.spin)

export const echo = Job.make(import.meta, "echo", (value: unknown) => jobs.echo(value))

export const pass = Job.make(
  import.meta,
  "pass",
  (array: Float64Array<ArrayBuffer>, context) => context.transfer(jobs.pass(array), [array.buffer])
)

export const fill = Job.make(
  import.meta,
  "fill",
  (length: number, context) => context.allocateUnsafe(Float64Array, length).fill(length)
)
