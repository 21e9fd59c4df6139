/** A busy loop that shows that it runs. */
import * as Job from "../../lib/Job.ts"

/** Counts in the first element for ever, deaf to everything. */
export const ticking = Job.make(import.meta, "ticking", (counter: Int32Array): void => {
  while (true) Atomics.add(counter, 0, 1)
})
