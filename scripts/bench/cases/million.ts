import type { Case, Subject } from "../case.ts"
import * as measure from "../measure.ts"

const subject = (name: string, role: Subject["role"], streams: number, jobs: number): Subject => ({
  name,
  role,
  sample: async ({ quick }) => {
    const { Executor, jobs: { noop }, open, stream } = await import("../ours.ts")
    const { runPromise } = open(2)
    const run = (jobs: number) => runPromise(stream(64, jobs, (n) => Executor.run(noop, n)))
    const amount = quick ? jobs / 500 : jobs
    await run(quick ? 500 : 100_000)
    return measure.once(async () => {
      for (let n = 0; n < streams; n++) await run(amount)
    }, streams * amount)
  }
})

/** Whether a job costs more, or leaves something behind, where there are many. */
export const million: Case = {
  name: "million",
  description: "A million jobs that do nothing in one Stream, 64 in flight on 2 threads, against ten thousand",
  subjects: [subject("ten thousand", "peer", 10, 10_000), subject("a million", "ours", 1, 1_000_000)]
}
