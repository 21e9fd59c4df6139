import { type Case, eachPool } from "../case.ts"
import * as measure from "../measure.ts"

/** Jobs that do nothing, through `run`: what a job costs beside its work. */
const inFlight = (name: string, inFlight: number): Case => ({
  name,
  description: `Jobs that do nothing, ${inFlight} in flight, on 2 threads`,
  subjects: [
    ...eachPool(
      () => ({ workers: 2, inFlight }),
      (pool, sizes) => measure.rate((jobs) => measure.keepInFlight(inFlight, jobs, (n) => pool.run("noop", n)), sizes)
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async (sizes) => {
        const { Executor, jobs: { noop }, Stream, open } = await import("../ours.ts")
        const runtime = open(2)
        const run = (jobs: number) =>
          Stream.range(1, jobs).pipe(
            Stream.mapEffect((n) => Executor.run(noop, n), { concurrency: inFlight, unordered: true }),
            Stream.runDrain,
            runtime.runPromise
          )
        return measure.rate(run, sizes)
      }
    }
  ]
})

export const noop = inFlight("noop", 64)

export const latency = inFlight("latency", 2)
