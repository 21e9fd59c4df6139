import * as Job from "../../lib/Job.ts"

export const lost = Job.make(import.meta, "lost", (n: number) => n)

throw new Error("this module does not like to be imported")
