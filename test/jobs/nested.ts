import * as Job from "../../lib/Job.ts"

/** A job that does not exist until this is called, so no worker finds it. */
export const makeNested = () => Job.make(import.meta, "nested", (n: number) => n)
