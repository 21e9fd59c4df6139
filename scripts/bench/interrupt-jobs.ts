import * as Job from "../../lib/Job.ts"

/** Never ends. */
export const busy = Job.make(import.meta, "busy", () => {
  for (;;);
})

/** Does nothing. */
export const noop = Job.make(import.meta, "noop", () => {})
