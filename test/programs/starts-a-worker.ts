/** Prints what becomes of a job on each back end. */
import { Effect } from "effect"
import { Executor, Job, ProcessExecutor, ThreadExecutor } from "../../lib/mod.ts"

const job = Job.make(import.meta, "job", () => "done")

for (const { layer } of [ThreadExecutor, ProcessExecutor]) {
  const ended = Executor.run(job, undefined).pipe(
    Effect.provide(layer({ maxWorkers: 1 })),
    Effect.catch(Effect.succeed)
  )
  console.log(String(await Effect.runPromise(ended)))
}
