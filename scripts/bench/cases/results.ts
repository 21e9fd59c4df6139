import { setFlagsFromString } from "node:v8"
import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"
import { eachReading } from "../readings.ts"

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
    ...eachReading(async (reading, { count, jobs: amount, workers }) => {
      const { Executor, jobs: { fill }, open, read, stream } = await import("../ours.ts")
      const { runPromise } = open(workers)
      await runPromise(stream(workers, workers, () => Executor.run(fill, 1)))
      return measure.once(() => runPromise(stream(workers, amount, () => read[reading](fill, count))))
    })
  ]
}

/** V8 14.6 collects garbage each time that 64 MB of buffers have come, and 14.8 weighs them with the rest of its heap. */
const globalLimit = "--external-memory-accounted-in-global-limit"

/** The same without the collections that large results cause today. */
export const resultsGlobalLimit: Case = {
  ...results,
  name: "results-global-limit",
  description: `As results, under V8's ${globalLimit}, which is its default from 14.8 on`,
  subjects: results.subjects.map((subject) => ({
    ...subject,
    sample: (sizes) => {
      setFlagsFromString(globalLimit)
      return subject.sample(sizes)
    }
  }))
}
