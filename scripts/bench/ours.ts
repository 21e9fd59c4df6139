/** What the cases measure of this project; each subject that needs it loads it. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { Executor, type ExecutorError, type Job, ThreadExecutor } from "../../lib/mod.ts"
import type { Reading } from "./readings.ts"

export * as Fiber from "effect/Fiber"
export { sin } from "../../lib/jobs/sin.ts"
export * as jobs from "./ours-jobs.ts"
export { Effect, Executor, Stream }

/** Runs Effects with an executor that starts at the first, by itself with all its workers. */
export const open = (maxWorkers: number, minWorkers = maxWorkers) =>
  ManagedRuntime.make(ThreadExecutor.layer({ maxWorkers, minWorkers }))

/** Does something `times` times, `concurrency` of them at the same time: the Stream that is the pool. */
export const stream = <E, R>(
  concurrency: number,
  times: number,
  run: (n: number) => Effect.Effect<unknown, E, R>
): Effect.Effect<void, E, R> =>
  Stream.range(1, times).pipe(Stream.mapEffect(run, { concurrency, unordered: true }), Stream.runDrain)

type Read = <Input, A, E>(
  job: Job.Job<Input, A, E>,
  input: Input
) => Effect.Effect<unknown, E | ExecutorError.ExecutorError, Executor.Executor>

/** Runs a job, and drops its result or gives it back. */
export const read: Record<Reading, Read> = {
  run: Executor.run,
  use: (job, input) => Executor.use(job, input, () => Effect.void)
}
