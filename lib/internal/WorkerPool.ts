/**
 * The executor that every back end with workers is made of: a queue of tasks, a bounded set of workers, and the rule
 * that each task settles once whatever becomes of the worker that has it.
 *
 * A worker is starting, idle, busy or stopping; a task waits in the queue, is with one worker, or has settled. All
 * changes happen in synchronous functions, so no fiber ever sees half of one.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { type Spawner, type Worker, WorkerPlatform } from "effect/workers/Worker"
import { isWorkerError } from "effect/workers/WorkerError"
import { Executor, JobObserver, type Settled, type Stats } from "../Executor.ts"
import { WorkerStartError } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { describe } from "./errorCodec.ts"
import { Cell, type FromWorker, now, type ToWorker } from "./protocol.ts"
import { SpareBuffers } from "./SpareBuffers.ts"
import { Task } from "./Task.ts"
import { TaskQueue } from "./TaskQueue.ts"

/** What a back end adds to its `WorkerPlatform`. */
export interface Host {
  /** Stops a worker without asking it, and returns when its core is free. */
  readonly terminate: (workerId: number) => Effect.Effect<void>
  /** How a worker that is gone has exited; asked once. */
  readonly exitCode: (workerId: number) => number | undefined
  /** How a message names a job. */
  readonly address: (job: Job.Any) => unknown
  /** Whether an executor and its workers can share memory. */
  readonly sharesMemory: boolean
}

export interface Options {
  readonly maxWorkers: number
  readonly minWorkers: number
  readonly cancelGrace: Duration.Duration
}

/** A worker as its executor sees it. */
interface Slot {
  readonly workerId: number
  readonly cells: Int32Array | undefined
  state: "starting" | "idle" | "busy" | "stopping"
  worker: Worker<FromWorker, ToWorker> | undefined
  fiber: Fiber.Fiber<never, unknown> | undefined
  task: Task | undefined
}

/** After a start that failed none is tried for so long while other workers are alive. */
const restartPauseMs = 1000

export const make = Effect.fnUntraced(function*(
  options: Options,
  host: Host
): Effect.fn.Return<Executor["Service"], WorkerStartError, WorkerPlatform | Spawner | Scope.Scope> {
  const platform = yield* WorkerPlatform
  const runFork = Effect.runForkWith(yield* Effect.context<Spawner>())
  const submitted = yield* Scope.fork(yield* Effect.scope)
  const firstStarts = Deferred.makeUnsafe<void, WorkerStartError>()

  const queue = new TaskQueue<Task>()
  const slots = new Set<Slot>()
  const spares = new SpareBuffers(options.maxWorkers)
  const whenIdle: Array<() => void> = []
  const counts = { accepted: 0, queued: 0, finished: 0, failed: 0, died: 0 }
  let lastWorkerId = 0
  let noStartBefore = 0
  let closed = false

  const inState = (state: Slot["state"]) => {
    let n = 0
    for (const slot of slots) if (slot.state === state) n++
    return n
  }

  const startWorker = () => {
    const slot: Slot = {
      workerId: ++lastWorkerId,
      cells: host.sharesMemory ? new Int32Array(new SharedArrayBuffer(Cell.length * 4)).fill(-1) : undefined,
      state: "starting",
      worker: undefined,
      fiber: undefined,
      task: undefined
    }
    slots.add(slot)
    slot.fiber = runFork(Effect.gen(function*() {
      slot.worker = yield* platform.spawn<FromWorker, ToWorker>(slot.workerId)
      yield* slot.worker.send({ _tag: "Init", workerId: slot.workerId, cells: slot.cells })
      return yield* slot.worker.run((message) => Effect.sync(() => onMessage(slot, message)))
    }))
    slot.fiber.addObserver((exit) => onGone(slot, exit))
  }

  const stopWorker = (slot: Slot): Effect.Effect<void> =>
    Effect.suspend(() => {
      const wasIdle = slot.state === "idle"
      slot.state = "stopping"
      return Effect.asVoid(
        wasIdle
          ? Fiber.interrupt(slot.fiber!)
          : Effect.andThen(host.terminate(slot.workerId), Fiber.await(slot.fiber!))
      )
    })

  const onMessage = (slot: Slot, message: FromWorker) => {
    if (message._tag === "Ready" && slot.state === "starting") {
      slot.state = "idle"
      if (inState("starting") === 0) Deferred.doneUnsafe(firstStarts, Exit.void)
    } else if (message._tag === "Settled" && message.id === slot.task?.id) {
      const { task } = slot
      task.replied(slot.workerId, message.outcomes, message.measured)
      task.buffers.push(...message.buffers)
      slot.task = undefined
      if (slot.state === "busy") slot.state = "idle"
      finishOrRequeue(task)
    }
    schedule()
  }

  const onGone = (slot: Slot, exit: Exit.Exit<never, unknown>) => {
    slots.delete(slot)
    const { state, task, workerId } = slot
    const death = { workerId, exitCode: host.exitCode(workerId), reason: reasonOf(exit) }
    if (state !== "stopping") counts.died++
    if (task !== undefined) {
      if (task.released === undefined) task.buried(death, slot.cells?.[Cell.item])
      finishOrRequeue(task)
    }
    if (state === "starting") {
      const error = new WorkerStartError(death)
      Deferred.doneUnsafe(firstStarts, Exit.fail(error))
      noStartBefore = now() + restartPauseMs
      if (slots.size === 0) endQueued(Exit.fail(error))
    }
    schedule()
  }

  const schedule = () => {
    if (closed) return
    for (const slot of slots) {
      while (slot.state === "idle" && queue.size > 0) dispatch(slot, queue.shift()!)
    }
    const waiting = Math.max(queue.size - inState("starting"), options.minWorkers - slots.size)
    const wanted = now() < noStartBefore && (slots.size > 0 || queue.size === 0) ? 0 : waiting
    for (let n = Math.min(wanted, options.maxWorkers - slots.size); n > 0; n--) startWorker()
  }

  const dispatch = (slot: Slot, task: Task) => {
    counts.queued -= task.pending
    const buffers = spares.take(task.job)
    const sent = Effect.runSyncExit(slot.worker!.send({
      _tag: "Run",
      id: task.id,
      job: host.address(task.job),
      inputs: task.send(),
      spares: buffers,
      observed: task.isObserved
    }, buffers))
    if (Exit.isFailure(sent)) {
      spares.put(task.job, buffers)
      task.refused(reasonOf(sent))
      finishOrRequeue(task)
    } else {
      slot.state = "busy"
      slot.task = task
      if (slot.cells !== undefined) slot.cells[Cell.item] = 0
      task.started(slot.workerId)
    }
  }

  const finishOrRequeue = (task: Task) => {
    if (!task.isSettled && task.released === undefined) {
      counts.queued += task.pending
      return queue.unshift(task)
    }
    task.end(Exit.interrupt())
    task.finish(() => spares.put(task.job, task.buffers.splice(0)))
    if (isIdle()) whenIdle.splice(0).forEach((resume) => resume())
  }

  const endQueued = (exit: Exit.Exit<never, unknown>) => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      counts.queued -= task.pending
      task.end(exit)
      finishOrRequeue(task)
    }
  }

  const isIdle = () => counts.accepted === counts.finished + counts.failed

  /** Takes a queued task out; a running one is asked to stop, and after the grace its worker is stopped. */
  const cancel = (task: Task): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (task.isSettled) return Effect.void
      const released = task.released ??= Deferred.makeUnsafe<void>()
      const slot = slotOf(task)
      if (slot === undefined) {
        queue.remove(task)
        counts.queued -= task.pending
        finishOrRequeue(task)
        return Effect.void
      }
      if (slot.cells !== undefined) Atomics.store(slot.cells, Cell.cancelled, task.id)
      return Effect.andThen(
        Effect.ignore(slot.worker!.send({ _tag: "Cancel", id: task.id })),
        Effect.timeoutOrElse(Deferred.await(released), {
          duration: options.cancelGrace,
          orElse: () => slot.task === task ? stopWorker(slot) : Effect.void
        })
      )
    })

  const slotOf = (task: Task) => {
    for (const slot of slots) if (slot.task === task) return slot
    return undefined
  }

  const execute = (job: Job.Any, inputs: ReadonlyArray<unknown>) =>
    Effect.withFiber<Settled<unknown, unknown>>((fiber) =>
      Effect.callback((resume) => {
        if (closed) return resume(Effect.interrupt)
        const task = new Task({
          id: counts.accepted,
          job,
          inputs,
          observer: fiber.getRef(JobObserver),
          onSettled: (succeeded) => {
            counts[succeeded ? "finished" : "failed"]++
          },
          resume
        })
        counts.accepted += inputs.length
        counts.queued += inputs.length
        queue.push(task)
        schedule()
        return cancel(task)
      })
    )

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      closed = true
      endQueued(Exit.interrupt())
      const running = [...slots].flatMap((slot) => slot.task ?? [])
      return Effect.andThen(
        Effect.forEach(running, cancel, { concurrency: "unbounded", discard: true }),
        Effect.forEach(slots, stopWorker, { concurrency: "unbounded", discard: true })
      )
    })
  )

  schedule()
  if (options.minWorkers > 0) yield* Deferred.await(firstStarts)

  return Executor.of({
    maxWorkers: options.maxWorkers,
    scope: submitted,
    execute: execute as Executor["Service"]["execute"],
    stats: Effect.sync((): Stats => ({
      workers: slots.size,
      busy: inState("busy"),
      queued: counts.queued,
      finished: counts.finished,
      failed: counts.failed,
      died: counts.died
    })),
    drain: Effect.callback<void>((resume) => {
      if (isIdle()) return resume(Effect.void)
      whenIdle.push(() => resume(Effect.void))
    })
  })
})

/** Why a worker or a message failed, in one line. */
const reasonOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "it ended"
  const error = Result.getOrElse(Cause.findError(exit.cause), () => Cause.squash(exit.cause))
  const reported = isWorkerError(error) ? error.reason.cause ?? error : error
  const { message, name } = describe(reported)
  return isWorkerError(reported) ? message : `${name}: ${message}`
}
