/**
 * Jobs on worker threads of this process.
 *
 * A worker starts when a job waits and no worker is idle, up to `maxWorkers`. It runs one job at a time. One that dies
 * costs the job that it ran; the next job that waits has another started. Where its memory is full, items of the same
 * message that had ended within the millisecond before can run once more.
 *
 * A job that is stopped ends at once, busy loops included, but for a call that blocks its thread in the system or in
 * native code, such as `execSync`: that is waited for, by the interruption as well. On a process it is not.
 *
 * While jobs of microseconds come one upon another, the calling thread and workers stay awake for up to a fifth of a
 * millisecond between them, as long as that pays and there is a core for each.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Worker } from "node:worker_threads"
import { Executor } from "./Executor.ts"
import type { InvalidOptions, WorkerStartError } from "./ExecutorError.ts"
import * as checks from "./internal/options.ts"
import * as SpawnedWorkers from "./internal/SpawnedWorkers.ts"
import { read, written } from "./internal/texts.ts"
import type { Inbound } from "./internal/worker.ts"
import * as WorkerPool from "./internal/WorkerPool.ts"

/** See {@link layer}. */
export interface Options extends checks.PoolOptions, checks.SpawnOptions {}

/**
 * An executor on threads. Closing its scope stops the jobs that run, busy loops included, and leaves no thread behind.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { Executor, ThreadExecutor } from "effect-futures"
 * import { sin } from "effect-futures/jobs/sin"
 *
 * const program = Stream.range(1, 4).pipe(
 *   Stream.mapEffect((count) => Executor.run(sin, { count }), { concurrency: 2 }),
 *   Stream.runFold(() => 0, (sum, values) => sum + values.length)
 * )
 *
 * await Effect.runPromise(Effect.provide(program, ThreadExecutor.layer({ maxWorkers: 2 }))) // => 10
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<Executor, InvalidOptions | WorkerStartError> =>
  Layer.effect(Executor, make(options))

const entry = new URL("./internal/threadEntry.js", import.meta.url)

const make = Effect.fnUntraced(function*(options: Options) {
  const valid = yield* checks.validate(options)
  const { env, execArgv, resourceLimits } = yield* checks.validateSpawn(options)
  const threads = SpawnedWorkers.make(
    entry,
    (workerId) =>
      writing(
        new Worker(entry, {
          name: `worker ${workerId}`,
          execArgv: [...execArgv],
          ...(env && { env }),
          ...(resourceLimits && { resourceLimits })
        })
      ),
    (thread) => thread.terminate()
  )
  return yield* WorkerPool.make(valid, { ...threads.host, sharesMemory: true, unpacked: read }).pipe(
    Effect.provide(NodeWorker.layer(threads.spawn))
  )
})

/** The thread, sent messages as the other side reads them. */
const writing = (thread: Worker): Worker => {
  const post = thread.postMessage.bind(thread)
  return Object.assign(thread, {
    postMessage: (message: Inbound, transfer: ReadonlyArray<ArrayBuffer>) =>
      post(message[0] === 0 ? [0, written(message[1])] : message, transfer)
  })
}
