import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

/** What it costs to get large results, and how much memory they take. */
export const results: Case = {
  name: "results",
  description: "--jobs results of --count numbers (50 of 80 MB), filled with one value, on --workers threads (3), as " +
    "many in flight; peers move them where they can; each result is dropped once it is read, with use it is lent",
  subjects: [
    ...eachPool(
      ({ workers }) => ({ workers, inFlight: workers }),
      async (open, { count, jobs, workers }) => {
        const { run } = await open()
        await Promise.all(Array.from({ length: workers }, () => run("fill", 1)))
        return measure.once(() => measure.keepInFlight(workers, jobs, () => run("fill", count)))
      }
    ),
    {
      name: "effect-futures run",
      role: "ours",
      sample: async ({ count, jobs: amount, workers }) => {
        const { Executor, jobs: { fill }, open, stream } = await import("../ours.ts")
        const { runPromise } = open(workers)
        await runPromise(stream(workers, workers, () => Executor.run(fill, 1)))
        return measure.once(() => runPromise(stream(workers, amount, () => Executor.run(fill, count))))
      }
    },
    {
      name: "effect-futures use",
      role: "ours",
      sample: async ({ count, jobs: amount, workers }) => {
        const { Effect, Executor, jobs: { fill }, open, stream } = await import("../ours.ts")
        const { runPromise } = open(workers)
        await runPromise(stream(workers, workers, () => Executor.run(fill, 1)))
        return measure.once(() =>
          runPromise(stream(workers, amount, () => Executor.use(fill, count, () => Effect.void)))
        )
      }
    }
  ]
}
