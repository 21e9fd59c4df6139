import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

const inFlight = 64
const batch = 1024

/** What a job costs beside its work, where the pool may gather jobs as it likes. */
export const map: Case = {
  name: "map",
  description:
    `Jobs that do nothing through Executor.map with chunkSize "auto", on 2 threads; peers through their own ` +
    `map (poolifier) or with ${inFlight} in flight`,
  subjects: [
    ...eachPool(
      () => ({ workers: 2, inFlight }),
      async (open, sizes) => {
        const { map, run } = await open()
        const runAll = async (jobs: number) => {
          if (map === undefined) return measure.keepInFlight(inFlight, jobs, (n) => run("noop", n))
          for (let done = 0; done < jobs; done += batch) {
            await map("noop", Array.from({ length: Math.min(batch, jobs - done) }, (_, n) => n))
          }
        }
        return measure.rate(runAll, sizes)
      }
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async (sizes) => {
        const { Executor, jobs: { noop }, Stream, open } = await import("../ours.ts")
        const { runPromise } = open(2)
        const run = (jobs: number) =>
          Stream.range(1, jobs).pipe(Executor.map(noop, { chunkSize: "auto" }), Stream.runDrain, runPromise)
        return measure.rate(run, sizes)
      }
    }
  ]
}
