import * as Job from "../../lib/Job.ts"

export const one = Job.make(import.meta, "twin", () => 1)
export const other = Job.make(import.meta, "twin", () => 2)
