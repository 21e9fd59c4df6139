import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"
import { eachReading } from "../readings.ts"

/** The known experiment, its results read lazily. */
export const experiment: Case = {
  name: "experiment",
  description:
    "The sines of the known experiment, --jobs arrays of --count on --workers threads (50, 10 000 000, 3), " +
    "read lazily, workers up; concurrent.futures with a ThreadPoolExecutor and lists",
  subjects: [
    ...eachPool(
      ({ workers }) => ({ workers, inFlight: workers }),
      async (open, { count, jobs, workers }) => {
        const { run } = await open()
        await Promise.all(Array.from({ length: workers }, () => run("sines", 0)))
        return measure.once(() => measure.keepInFlight(workers, jobs, () => run("sines", count)))
      },
      ["worker_threads"]
    ),
    {
      name: "concurrent.futures",
      role: "peer",
      needs: "python3",
      sample: async ({ count, jobs, workers }) => {
        const { sample } = await import("../peers/concurrent-futures.ts")
        return sample({ jobs, count, workers })
      }
    },
    ...eachReading(async (reading, { count, jobs, workers }) => {
      const { Executor, open, read, sin, stream } = await import("../ours.ts")
      const { runPromise } = open(workers)
      await runPromise(stream(workers, workers, () => Executor.run(sin, { count: 0 })))
      return measure.once(() => runPromise(stream(workers, jobs, () => read[reading](sin, { count }))))
    })
  ]
}
