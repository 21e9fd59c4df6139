import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

const jobMs = 100

/** What a pool takes that does nothing. */
export const idle: Case = {
  name: "idle",
  description: "Memory held by --workers threads (3) that have each done a job of 100 ms and wait for more",
  subjects: [
    ...eachPool(
      ({ workers }) => ({ workers, inFlight: workers }),
      (open, { workers }) =>
        measure.held(async () => {
          const { run } = await open()
          await measure.keepInFlight(workers, workers, () => run("spin", jobMs))
        })
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async ({ workers }) => {
        const { Executor, jobs: { spin }, open, stream } = await import("../ours.ts")
        return measure.held(() => open(workers).runPromise(stream(workers, workers, () => Executor.run(spin, jobMs))))
      }
    }
  ]
}
