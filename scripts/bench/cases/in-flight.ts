import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

/** What a job costs beside its work, as a Stream runs it. */
const inFlight = (name: string, inFlight: number): Case => ({
  name,
  description: `Jobs that do nothing, ${inFlight} in flight on 2 threads`,
  subjects: [
    ...eachPool(
      () => ({ workers: 2, inFlight }),
      async (open, sizes) => {
        const pool = await open()
        return measure.rate((jobs) => measure.keepInFlight(inFlight, jobs, (n) => pool.run("noop", n)), sizes)
      }
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async (sizes) => {
        const { Executor, jobs: { noop }, open, stream } = await import("../ours.ts")
        const { runPromise } = open(2)
        return measure.rate((jobs) => runPromise(stream(inFlight, jobs, (n) => Executor.run(noop, n))), sizes)
      }
    }
  ]
})

export const noop = inFlight("noop", 64)

export const latency = inFlight("latency", 2)
