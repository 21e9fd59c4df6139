import type { Effect } from "effect"
import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

/** What a job costs beside its work, as a Stream runs it. */
const caseOf = (name: string, inFlight: number): Case => ({
  name,
  description:
    `Jobs that do nothing, ${inFlight} in flight on 2 threads; and a Stream alone, whose jobs no worker does`,
  subjects: [
    ...eachPool(
      () => ({ workers: 2, inFlight }),
      async (open, sizes) => {
        const pool = await open()
        return measure.rate((jobs) => measure.keepInFlight(inFlight, jobs, (n) => pool.run("noop", n)), sizes)
      }
    ),
    {
      // Jobs that the calling thread does, all that wait in one turn of its event loop.
      name: "Stream alone",
      role: "floor",
      sample: async (sizes) => {
        const { Effect, stream } = await import("../ours.ts")
        const waiting: Array<(done: Effect.Effect<void>) => void> = []
        const job = Effect.callback<void>((resume) => {
          if (waiting.push(resume) === 1) setImmediate(() => waiting.splice(0).forEach((resume) => resume(Effect.void)))
        })
        return measure.rate((jobs) => Effect.runPromise(stream(inFlight, jobs, () => job)), sizes)
      }
    },
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

export const noop = caseOf("noop", 64)

export const latency = caseOf("latency", 2)
