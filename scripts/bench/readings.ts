/** The two ways to read a result: `run` gives it away, `use` lends it. */
import type { RunRecord } from "../../lib/mod.ts"
import type { Sizes, Subject } from "./case.ts"

export type Reading = "run" | "use"

/** A subject of ours for each way. */
export const eachReading = (
  sample: (reading: Reading, sizes: Sizes) => Promise<RunRecord.BenchSample>
): ReadonlyArray<Subject> =>
  (["run", "use"] as const).map((reading) => ({
    name: `effect-futures ${reading}`,
    role: "ours",
    sample: (sizes) => sample(reading, sizes)
  }))
