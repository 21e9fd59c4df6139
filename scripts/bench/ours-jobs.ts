/** The jobs of `jobs.js`, made jobs of this project. */
import * as Job from "../../lib/Job.ts"
import * as jobs from "./jobs.js"

export const noop = Job.make(import.meta, "noop", jobs.noop)
