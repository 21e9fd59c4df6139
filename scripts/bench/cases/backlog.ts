import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

/** What a job takes that waits. */
export const backlog: Case = {
  name: "backlog",
  description:
    "A million jobs handed over at once to 2 threads that are at a job without end: memory held by each, and the " +
    "time to hand them over; Effect's RPC pool holds over 4 kB of each, and so much memory there is not",
  subjects: [
    ...eachPool(
      () => ({ workers: 2, inFlight: 2 }),
      async (open, { quick }) => {
        const { run } = await open()
        await Promise.all([run("noop", 0), run("noop", 0)])
        for (let n = 0; n < 2; n++) void run("block", 0)
        const jobs = quick ? 10_000 : 1_000_000
        return measure.held(async () => {
          for (let n = 0; n < jobs; n++) void run("noop", n)
        }, jobs)
      },
      ["worker_threads", "piscina", "tinypool", "workerpool", "poolifier"]
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async ({ quick }) => {
        const { Effect, Executor, jobs: { block, noop }, open } = await import("../ours.ts")
        const runtime = open(2)
        await runtime.runPromise(Effect.all([Executor.run(noop, 0), Executor.run(noop, 0)]))
        for (let n = 0; n < 2; n++) await runtime.runPromise(Executor.submit(block, undefined))
        const jobs = quick ? 10_000 : 1_000_000
        const submitAll = Effect.whileLoop({
          while: () => left > 0,
          body: () => Executor.submit(noop, left--),
          step: () => {}
        })
        let left = jobs
        return measure.held(() => runtime.runPromise(submitAll), jobs)
      }
    }
  ]
}
