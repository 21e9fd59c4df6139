/** A job that takes no time, in a module that takes long to load. */
import * as Job from "../../lib/Job.ts"

await new Promise((resolve) => setTimeout(resolve, 1000))

export const quick = Job.make(import.meta, "quick", () => "done")
