/**
 * The executor that every back end with workers is made of: a queue of tasks, a fleet of workers, and the rule that each
 * task settles once whatever becomes of the worker that has it.
 *
 * A task waits in the queue, is with one worker, or has settled. All changes happen in synchronous functions, so no
 * fiber ever sees half of one.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Spawner, WorkerPlatform } from "effect/workers/Worker"
import { Executor, JobObserver, type RunOptions, type Settled, type Stats } from "../Executor.ts"
import { DeadlineExceeded, type WorkerStartError, WouldDeadlock } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { replay } from "./effectJob.ts"
import * as Fleet from "./Fleet.ts"
import { publisher } from "./metrics.ts"
import { validateRun } from "./options.ts"
import { Cell, type EndedSpan, now, type Settled as SettledMessage } from "./protocol.ts"
import { SpareBuffers } from "./SpareBuffers.ts"
import { Task } from "./Task.ts"
import { TaskQueue } from "./TaskQueue.ts"
import { Timings } from "./Timings.ts"

export interface Options extends Fleet.Options {
  readonly cancelGrace: Duration.Duration
}

/** Inputs that were not accepted. */
const refused = (inputs: ReadonlyArray<unknown>, error: WouldDeadlock): Settled<unknown, unknown> => ({
  exits: inputs.map(() => Exit.fail(error)),
  runMs: 0,
  giveBack: () => {}
})

/** How often the stats go to the metrics, beside when somebody asks for them. */
const metricsInterval = Duration.seconds(1)

/** How to tell the tracer of `fiber` of spans below its own, if it has one. */
const tracerOf = (fiber: Fiber.Fiber<unknown, unknown>) => {
  const span = Context.getOption(fiber.context, Tracer.ParentSpan)
  if (Option.isNone(span)) return undefined
  return (spans: ReadonlyArray<EndedSpan>) => replay(fiber.getRef(Tracer.Tracer), span.value, spans)
}

let jobIds = 0

/** Numbers that no other job of this process has. */
const newJobIds = (jobs: number): number => {
  jobIds += jobs
  return jobIds - jobs
}

export const make = Effect.fnUntraced(function*(
  options: Options,
  host: Fleet.Host
): Effect.fn.Return<Executor["Service"], WorkerStartError, WorkerPlatform | Spawner | Scope.Scope> {
  const submitted = yield* Scope.fork(yield* Effect.scope)
  const runLater = yield* FiberSet.makeRuntime<never>()

  const queue = new TaskQueue<Task>()
  const spareBuffers = new SpareBuffers(options.maxWorkers)
  const timings = new Timings()
  const whenIdle: Array<() => void> = []
  const counts = { accepted: 0, queued: 0, finished: 0, failed: 0 }
  let lastMessageId = 0
  let isClosed = false

  const onAvailable = () => {
    if (isClosed) return
    dispatchAll()
    fleet.grow(queue.size)
    // A spare that has taken a place may be up.
    dispatchAll()
  }

  const dispatchAll = () => {
    for (const worker of fleet.workers) {
      while (worker.state === "idle" && queue.size > 0) dispatch(worker, queue.shift()!)
    }
  }

  const onSettled = (worker: Fleet.Worker, message: SettledMessage) => {
    const { task } = worker
    if (task === undefined || task.messageId !== message.id) return
    worker.task = undefined
    timings.ran(message.measured.returnedAt - message.measured.startedAt)
    task.buffers.push(...message.buffers)
    task.replied(worker.workerId, message)
    if (worker.state === "busy") fleet.becomeIdle(worker)
    finishOrRequeue(task)
    onAvailable()
  }

  const onLost = (task: Task, death: Fleet.Death, item: number | undefined) => {
    task.lost(death, item)
    finishOrRequeue(task)
  }

  const fleet = yield* Fleet.make(options, host, {
    available: onAvailable,
    settled: onSettled,
    lost: onLost,
    noneLeft: (error) => endQueued(Exit.fail(error))
  })

  const dispatch = (worker: Fleet.Worker, task: Task) => {
    counts.queued -= task.pending
    const id = ++lastMessageId
    const spares = spareBuffers.take(task.job)
    const inputs = task.send()
    if (worker.cells !== undefined) worker.cells[Cell.item] = 0
    const sent = Effect.runSyncExit(worker.platformWorker!.send({
      _tag: "Run",
      id,
      job: host.address(task.job),
      inputs,
      spares,
      observed: task.isObserved,
      traced: task.isTraced
    }, spares))
    if (Exit.isFailure(sent)) {
      spareBuffers.put(task.job, spares)
      task.refused(Fleet.reasonOf(sent))
      return finishOrRequeue(task)
    }
    worker.state = "busy"
    worker.task = task
    worker.jobs += inputs.length
    if (!task.hasStarted) timings.waited(now() - task.acceptedAt)
    task.started(worker, id)
    task.onReleased = limit(task, "running")
  }

  const finishOrRequeue = (task: Task) => {
    if (!task.isSettled && !task.isCancelled) {
      counts.queued += task.pending
      return queue.unshift(task)
    }
    task.end()
    task.finish(() => spareBuffers.put(task.job, task.buffers.splice(0)))
    if (isIdle()) whenIdle.splice(0).forEach((resume) => resume())
  }

  const endQueued = (exit: Exit.Exit<never, unknown>) => {
    const waiting = queue.clear()
    for (const task of waiting) {
      counts.queued -= task.pending
      task.end(exit)
    }
    // Told when all have ended: a caller may at once execute its job again, or interrupt another.
    waiting.forEach(finishOrRequeue)
  }

  const isIdle = () => counts.accepted === counts.finished + counts.failed

  /**
   * Settles a task as `verdict` says and returns when no worker is busy with it. One that waits is taken out of the
   * queue; one that runs is asked to stop, and after the grace its worker is stopped.
   */
  const cancel = (task: Task, verdict: Exit.Exit<never, unknown>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (task.isSettled) return Effect.void
      task.cancel(verdict)
      const { worker } = task
      if (worker === undefined) {
        queue.remove(task)
        counts.queued -= task.pending
        finishOrRequeue(task)
        return Effect.void
      }
      if (worker.cells !== undefined) Atomics.store(worker.cells, Cell.cancelled, task.messageId)
      Effect.runSyncExit(worker.platformWorker!.send({ _tag: "Cancel", id: task.messageId }))
      fleet.keepSpare()
      return Effect.callback<void>((resume) => void task.onFinish.push(() => resume(Effect.void))).pipe(
        Effect.timeoutOrElse({
          duration: options.cancelGrace,
          orElse: () => task.worker === worker ? fleet.stop(worker) : Effect.void
        }),
        // A job runs in real time, whatever clock its caller has.
        Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())
      )
    })

  /** Cancels the task when the time is over; returns what calls that off. */
  const limit = (task: Task, clock: DeadlineExceeded["clock"]): () => void => {
    const duration = task.deadline[clock]
    if (duration === undefined || task.isSettled) return () => {}
    const error = new DeadlineExceeded({ job: task.job.name, clock, limitMs: Duration.toMillis(duration) })
    const timer = runLater(Effect.delay(
      Effect.suspend(() => clock === "queued" && task.hasStarted ? Effect.void : cancel(task, Exit.fail(error))),
      duration
    ))
    return () => timer.interruptUnsafe()
  }

  const execute = (job: Job.Any, inputs: ReadonlyArray<unknown>, runOptions: RunOptions = {}) =>
    Effect.flatMap(
      validateRun(runOptions),
      ({ deadline, priority, retryWorkerDeath }) =>
        Effect.withFiber<Settled<unknown, unknown>>((fiber) =>
          Effect.callback((resume) => {
            if (isClosed) return resume(Effect.interrupt)
            if (host.isInsideJob()) return resume(Effect.succeed(refused(inputs, new WouldDeadlock({ job: job.name }))))
            if (inputs.length === 0) return resume(Effect.succeed({ exits: [], runMs: 0, giveBack: () => {} }))
            const task = new Task({
              id: newJobIds(inputs.length),
              job,
              inputs,
              priority,
              retryWorkerDeath,
              deadline,
              observer: fiber.getRef(JobObserver),
              trace: tracerOf(fiber),
              onSettled: (succeeded) => {
                counts[succeeded ? "finished" : "failed"]++
              },
              resume
            })
            counts.accepted += inputs.length
            counts.queued += inputs.length
            queue.push(task)
            onAvailable()
            // Last, and one by one, for one of no time at all may be over at once.
            task.onFinish.push(limit(task, "queued"))
            task.onFinish.push(limit(task, "total"))
            return cancel(task, Exit.interrupt())
          })
        )
    )

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      fleet.startNoMore()
      endQueued(Exit.interrupt())
      const running = [...fleet.workers].flatMap(({ task }) => task ?? [])
      return Effect.andThen(
        Effect.forEach(running, (task) => cancel(task, Exit.interrupt()), { concurrency: "unbounded", discard: true }),
        fleet.stopAll
      )
    })
  )

  const stats = Effect.sync((): Stats => ({
    workers: fleet.workers.size,
    busy: fleet.inState("busy"),
    queued: counts.queued,
    finished: counts.finished,
    failed: counts.failed,
    ...fleet.counts,
    ...timings.summary(options.maxWorkers)
  }))
  const publish = publisher()
  yield* Effect.forkScoped(Effect.forever(Effect.delay(Effect.flatMap(stats, publish), metricsInterval)))

  fleet.grow(0)
  yield* fleet.started

  return Executor.of({
    maxWorkers: options.maxWorkers,
    scope: submitted,
    execute: execute as Executor["Service"]["execute"],
    stats: Effect.tap(stats, publish),
    drain: Effect.callback<void>((resume) => {
      if (isIdle()) return resume(Effect.void)
      whenIdle.push(() => resume(Effect.void))
    })
  })
})
