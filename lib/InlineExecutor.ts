/**
 * Jobs on the calling thread, for tests and debugging: a breakpoint in a job is hit, a fake that a test put in place is
 * seen. Inputs and results are cloned as on threads, and the same errors come back.
 *
 * What one thread cannot do it does not: a busy loop blocks the caller and ends by itself alone, past its deadline, too;
 * `process.exit` ends the program, and jobs overlap only while they await.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as EffectWorker from "effect/workers/Worker"
import { WorkerError, WorkerReceiveError } from "effect/workers/WorkerError"
import { AsyncLocalStorage } from "node:async_hooks"
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads"
import { Executor } from "./Executor.ts"
import { type InvalidOptions, type WorkerStartError, WouldDeadlock } from "./ExecutorError.ts"
import { unread } from "./internal/errorCodec.ts"
import * as checks from "./internal/options.ts"
import * as worker from "./internal/worker.ts"
import * as WorkerPool from "./internal/WorkerPool.ts"
import type * as Job from "./Job.ts"

/** See {@link layer}. */
export interface Options extends checks.PoolOptions {}

/**
 * An executor on the calling thread.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Executor, InlineExecutor, Job } from "effect-futures"
 *
 * const double = Job.make(import.meta, "double", (n: number) => n * 2)
 *
 * await Effect.runPromise(Effect.provide(Executor.run(double, 21), InlineExecutor.layer())) // => 42
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<Executor, InvalidOptions | WorkerStartError> =>
  Layer.effect(Executor, make(options))

const make = Effect.fnUntraced(function*(options: Options) {
  const valid = yield* checks.validate(options)
  const ports = new Map<number, MessagePort>()
  const jobs: Array<Job.Any> = []
  const insideJob = new AsyncLocalStorage<true>()

  const spawn = (workerId: number): MessagePort => {
    const { port1, port2 } = new MessageChannel()
    ports.set(workerId, port1)
    const receive = worker.make({
      post: (message, transfer) => port2.postMessage(message, [...transfer]),
      close: () => port2.close()
    }, (address) => jobs[address as number]!)
    port2.on("message", (message) => insideJob.run(true, receive, message))
    port1.on("messageerror", (error) => port1.emit("message", unread("result", error)))
    port2.on("messageerror", (error) => port1.emit("message", unread("input", error)))
    return port1
  }

  return yield* WorkerPool.make(valid, {
    terminate: (workerId) =>
      Effect.sync(() => {
        const port = ports.get(workerId)
        if (port === undefined) return
        deliver(port)
        port.close()
      }),
    exitOf: (workerId) => {
      ports.delete(workerId)
      return { exitCode: undefined }
    },
    address: (job) => jobs.includes(job) ? jobs.indexOf(job) : jobs.push(job) - 1,
    sharesMemory: true,
    refusal: (job) => insideJob.getStore() === true ? new WouldDeadlock({ job: job.name }) : undefined,
    clock: Clock.Clock.defaultValue()
  }).pipe(Effect.provide([layerPlatform, EffectWorker.layerSpawner(spawn)]))
})

/** Hands on what has come, as is done of a thread that ends: what is not heard of would be run again. */
const deliver = (port: MessagePort): void => {
  try {
    for (let received; (received = receiveMessageOnPort(port)) !== undefined;) port.emit("message", received.message)
  } catch (error) {
    port.emit("messageerror", error)
  }
}

const layerPlatform = Layer.succeed(
  EffectWorker.WorkerPlatform,
  EffectWorker.makePlatform<MessagePort>()({
    setup: ({ scope, worker: port }) => Effect.as(Scope.addFinalizer(scope, Effect.sync(() => port.close())), port),
    listen: ({ deferred, emit, port }) => {
      const fail = (reason: WorkerReceiveError) =>
        Deferred.doneUnsafe(deferred, Effect.fail(new WorkerError({ reason })))
      return Effect.sync(() => {
        port.on("message", emit)
        port.on("close", () => fail(new WorkerReceiveError({ message: "The worker was stopped" })))
      })
    }
  })
)
