/**
 * The executor that every back end with workers is made of: a queue of tasks, a fleet of workers, and the rule that each
 * item of a task settles once whatever becomes of the worker that has it.
 *
 * An item is pending, in the line of one worker, or settled. A worker has one item in its line, or a chunk of one
 * caller's; more only where memory is shared, as long as jobs are measured to be so short that the way to a worker and
 * back would take the longer time. What stands behind an item that turns out to be long is taken back.
 *
 * All changes happen in synchronous functions, so no fiber ever sees half of one.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Spawner, WorkerPlatform } from "effect/workers/Worker"
import { Executor, JobObserver, type RunOptions, type Settled, type Stats } from "../Executor.ts"
import { DeadlineExceeded, type WorkerStartError, WouldDeadlock } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { replay } from "./effectJob.ts"
import * as Fleet from "./Fleet.ts"
import { newJobIds } from "./jobIds.ts"
import { publisher } from "./metrics.ts"
import { validateRun } from "./options.ts"
import { type Outcome, type Settled as SettledMessage } from "./protocol.ts"
import { SpareBuffers } from "./SpareBuffers.ts"
import { type Caller, type Item, type Measured, type Pace, Task } from "./Task.ts"
import { TaskQueue } from "./TaskQueue.ts"
import { Timings } from "./Timings.ts"

export interface Options extends Fleet.Options {
  readonly cancelGrace: Duration.Duration
}

/** Inputs that were not accepted. */
const refused = (inputs: ReadonlyArray<unknown>, error: WouldDeadlock): Settled<unknown, unknown> => ({
  exits: inputs.map(() => Exit.fail(error)),
  runMs: 0,
  giveBack: nothingToGiveBack
})

/** How often the stats go to the metrics, beside when somebody asks for them. */
const metricsInterval = Duration.seconds(1)

/** A worker gets more as long as what it has will take no longer. */
const aheadMs = 0.5

/** How long a worker that is idle takes to begin. */
const wakeMs = 0.05

/** A message that is so long does not wait for more. */
const fullMessage = 16

/** What a job is taken for that has not run yet. */
const unknownMs = 1e6

/** An item that runs for longer keeps nothing behind it. */
const patience = Duration.millis(1)

/** The share of the latest run in a job's pace. */
const latest = 1 / 16

const callerIn = (context: Context.Context<never>): Caller => {
  const span = Context.getOrUndefined(context, Tracer.ParentSpan)
  return {
    observer: Context.get(context, JobObserver),
    trace: span && ((spans) => replay(Context.get(context, Tracer.Tracer), span, spans))
  }
}

const interrupted = Exit.interrupt()

const nothingToGiveBack = () => {}

const defaultRunOptions = { deadline: undefined, retryWorkerDeath: 0, priority: 0 }
export const make = Effect.fnUntraced(function*(
  options: Options,
  host: Fleet.Host
): Effect.fn.Return<Executor["Service"], WorkerStartError, WorkerPlatform | Spawner | Scope.Scope> {
  const submitted = yield* Scope.fork(yield* Effect.scope)
  const runLater = yield* FiberSet.makeRuntime<never>()

  const queue = new TaskQueue<Task>()
  const spareBuffers = new SpareBuffers(options.maxWorkers)
  const timings = new Timings()
  const paces = new WeakMap<Job.Any, Pace>()
  const whenIdle: Array<() => void> = []
  const counts = { accepted: 0, queued: 0, finished: 0, failed: 0 }
  /** Who has accepted a job last; most have the same context. */
  let context: Context.Context<never> | undefined
  let caller: Caller
  /** Those that have something outgoing. */
  const senders = new Set<Fleet.Worker>()
  /** The lowest priority that may stand behind another item. */
  let lowestAhead = Infinity
  let isWatching = false
  let isClosed = false

  const onAvailable = () => {
    if (isClosed) return
    dispatch()
    fleet.grow(queue.size)
    // A spare that has taken a place may be up.
    dispatch()
  }

  const dispatch = () => {
    for (let task = queue.next; task !== undefined; task = queue.next) {
      const worker = workerFor(task)
      if (worker === undefined) return
      queue.shift()
      assign(worker, task)
      enqueue(task)
    }
  }

  /** Of the workers that may have the task the one that gets to it first. */
  const workerFor = (task: Task): Fleet.Worker | undefined => {
    const mayWait = task.canWaitAnywhere && task.pace.runMs !== undefined && fleet.isFull()
    let first: Fleet.Worker | undefined
    let firstMs = Infinity
    for (const worker of fleet.workers) {
      const isIdle = worker.state === "idle"
      if (!isIdle && !(mayWait && mayHaveMore(worker, task.pending.length))) continue
      const ms = isIdle ? mayWait ? wakeMs : 0 : worker.line.expectedMs
      if (ms >= firstMs) continue
      first = worker
      firstMs = ms
    }
    return first
  }

  const mayHaveMore = ({ jobs, line, slots, state }: Fleet.Worker, items: number) =>
    state === "busy" && slots !== undefined && !line.isStuck && line.expectedMs <= aheadMs && line.room >= items &&
    jobs + items <= options.maxJobsPerWorker

  const assign = (worker: Fleet.Worker, task: Task) => {
    const { line } = worker
    const items = task.take(line.room)
    if (line.size > 0) lowestAhead = Math.min(lowestAhead, task.priority)
    counts.queued -= items.length
    worker.state = "busy"
    worker.jobs += items.length
    for (const item of items) {
      item.worker = worker
      item.expectedMs = task.pace.runMs ?? unknownMs
      item.number = line.push(item)
      worker.slots?.send(item.number)
    }
    if (task.canWaitAnywhere && !task.isTraced && items.length === 1) gather(worker, items[0]!)
    else {
      post(worker)
      send(worker, items)
    }
    if (line.size > 1) watch()
  }

  /** The items that are sent in one turn of the event loop go in one message. */
  const gather = (worker: Fleet.Worker, item: Item) => {
    const { outgoing } = worker.line
    if (outgoing.length > 0 && outgoing[0]!.task.job !== item.task.job) post(worker)
    if (senders.size === 0) queueMicrotask(() => senders.forEach(post))
    senders.add(worker)
    if (worker.line.outgoing.push(item) >= fullMessage) post(worker)
  }

  const post = (worker: Fleet.Worker) => {
    senders.delete(worker)
    const items = worker.line.outgoing
    if (items.length === 0) return
    worker.line.outgoing = []
    send(worker, items)
  }

  const send = (worker: Fleet.Worker, items: ReadonlyArray<Item>) => {
    const { number: id, task } = items[0]!
    const spares = spareBuffers.take(task.job)
    const sent = Effect.runSyncExit(worker.platformWorker!.send({
      _tag: "Run",
      id,
      job: host.address(task.job),
      inputs: items.map(({ input }) => input),
      together: items.every((item) => item.task === task),
      spares,
      observed: task.isObserved,
      traced: task.isTraced
    }, spares))
    if (Exit.isFailure(sent)) {
      spareBuffers.put(task.job, spares)
      return onRefused(worker, items, Fleet.reasonOf(sent))
    }
    task.started(items, worker.workerId)
    if (task.deadline !== undefined) task.onReleased ??= limit(task, "running")
    if (worker.jobs >= options.maxJobsPerWorker) fleet.fillSpares()
  }

  /** An input cannot be cloned. */
  const onRefused = (worker: Fleet.Worker, items: ReadonlyArray<Item>, reason: string) => {
    const held = items.filter((item) => worker.line.get(item.number) === item)
    for (const item of held) {
      worker.jobs--
      item.task.isSuspect = true
      if (items.length > 1) putBack(worker, item)
      else {
        worker.line.remove(item.number)
        item.task.refused(item, reason)
      }
    }
    released(worker, held.map(({ task }) => task))
  }

  const onSettled = (worker: Fleet.Worker, message: SettledMessage) => {
    const { cost, id, outcomes, returnedAt, spans, startedAt } = message
    const { line, workerId } = worker
    const first = line.get(id)
    if (first === undefined) return
    if (spans !== undefined) first.task.traced(spans)
    if (message.buffers.length > 0) (first.task.buffers ??= []).push(...message.buffers)
    const runMs = (returnedAt - startedAt) / outcomes.length
    const tasks: Array<Task> = []
    for (const [n, outcome] of outcomes.entries()) {
      const item = line.get(id + n)!
      settle(worker, item, outcome, runMs, {
        workerId,
        startedAt,
        at: returnedAt,
        cpuMs: cost?.cpuMs === undefined ? undefined : cost.cpuMs / outcomes.length,
        resultBytes: cost?.resultBytes[n] ?? 0
      })
      tasks.push(item.task)
    }
    // Such a worker replies once, when it is done with all that it was sent.
    if (worker.slots === undefined) line.items().forEach((item) => tasks.push(putBack(worker, item).task))
    released(worker, tasks)
  }

  const onProgress = (worker: Fleet.Worker) => {
    const tasks = collect(worker)
    if (tasks.length > 0) released(worker, tasks)
  }

  /** Settles what is done in the slots. */
  const collect = (worker: Fleet.Worker): Array<Task> => {
    const { line, slots, workerId } = worker
    const tasks: Array<Task> = []
    if (slots === undefined) return tasks
    slots.listen()
    const { next } = line
    for (let number = line.first; number < next; number++) {
      const item = line.get(number)
      if (item === undefined) continue
      if (!slots.isClaimed(number)) break
      if (!slots.isDone(number)) continue
      const startedAt = slots.startedAt(number)
      const at = slots.returnedAt(number)
      const outcome: Outcome = { _tag: "Succeeded", value: slots.value(number) }
      settle(worker, item, outcome, at - startedAt, { workerId, startedAt, at, cpuMs: undefined, resultBytes: 0 })
      tasks.push(item.task)
    }
    return tasks
  }

  const settle = (worker: Fleet.Worker, item: Item, outcome: Outcome, runMs: number, measured: Measured) => {
    const { task } = item
    worker.line.remove(item.number)
    timings.waited(measured.startedAt! - task.acceptedAt)
    timings.ran(runMs)
    task.pace.runMs = task.pace.runMs === undefined ? runMs : latest * runMs + (1 - latest) * task.pace.runMs
    task.replied(item, outcome, runMs, measured)
  }

  /** Items of `tasks` have left the worker. */
  const released = (worker: Fleet.Worker, tasks: ReadonlyArray<Task>) => {
    worker.line.isStuck = false
    if (worker.line.size === 0 && worker.state === "busy") fleet.becomeIdle(worker)
    tasks.forEach(enqueue)
    dispatch()
    if (queue.size > 0) onAvailable()
    finishAll(tasks)
  }

  /** Puts a task with pending items where it has its turn next. */
  const enqueue = (task: Task) => {
    if (task.isCancelled) endPending(task)
    else if (task.pending.length > 0 && !task.isQueued) queue.unshift(task)
  }

  const finishAll = (tasks: ReadonlyArray<Task>) => {
    for (const task of tasks) {
      if (!task.isAway) task.release()
      if (task.isSettled && !task.hasFinished) {
        task.finish(
          task.buffers === undefined ? nothingToGiveBack : () => spareBuffers.put(task.job, task.buffers!.splice(0))
        )
      }
    }
    if (whenIdle.length > 0 && isIdle()) whenIdle.splice(0).forEach((resume) => resume())
  }

  const putBack = (worker: Fleet.Worker, item: Item): Item => {
    worker.line.remove(item.number)
    counts.queued++
    item.task.putBack(item)
    return item
  }

  const endPending = (task: Task, exit?: Exit.Exit<never, unknown>) => {
    counts.queued -= task.pending.length
    task.end(exit)
  }

  const onLost = (worker: Fleet.Worker, death: Fleet.Death) => {
    const { line, slots } = worker
    const tasks = collect(worker)
    senders.delete(worker)
    line.outgoing = []
    const claimed = line.items().filter((item) => slots === undefined || slots.isClaimed(item.number))
    // With no slots to tell, one of several is at fault.
    const culprit = slots !== undefined || claimed.length === 1 ? claimed.at(-1) : undefined
    line.items().forEach((item) => {
      tasks.push(item.task)
      if (item !== culprit) {
        putBack(worker, item)
        item.task.isSuspect ||= slots === undefined
        return
      }
      line.remove(item.number)
      if (item.task.lost(item, death)) counts.queued++
    })
    tasks.toReversed().forEach(enqueue)
    finishAll(tasks)
  }

  const fleet = yield* Fleet.make(options, host, {
    available: onAvailable,
    settled: onSettled,
    progressed: onProgress,
    lost: onLost,
    noneLeft: (error) => endQueued(Exit.fail(error))
  })

  /** Takes back what the worker has beside its oldest item and need not start there. */
  const recall = (worker: Fleet.Worker) => {
    const { line, slots } = worker
    const tasks: Array<Task> = []
    if (slots === undefined) return
    post(worker)
    for (const item of line.items().slice(1).toReversed()) {
      if (!item.task.canWaitAnywhere) continue
      if (!slots.takeBack(item.number)) break
      worker.jobs--
      putBack(worker, item)
      tasks.push(item.task)
    }
    tasks.forEach(enqueue)
  }

  /** Looks after a while whether something waits behind an item that takes long. */
  const watch = () => {
    if (isWatching) return
    isWatching = true
    runLater(Effect.delay(Effect.sync(look), patience).pipe(Effect.provideService(Clock.Clock, host.clock)))
  }

  const look = () => {
    isWatching = false
    for (const worker of fleet.workers) {
      const { line } = worker
      onProgress(worker)
      if (line.size < 2) continue
      line.isStuck = line.first === line.lastSeen
      line.lastSeen = line.first
      if (line.isStuck) recall(worker)
      else watch()
    }
    onAvailable()
  }

  const endQueued = (exit: Exit.Exit<never, unknown>) => {
    const waiting = queue.clear()
    for (const task of waiting) endPending(task, exit)
    // Told when all have ended: a caller may at once execute its job again, or interrupt another.
    finishAll(waiting)
  }

  const isIdle = () => counts.accepted === counts.finished + counts.failed

  /**
   * Settles a task as `verdict` says and returns when no worker is busy with it. Items that no worker has begun are taken
   * back; one that runs is asked to stop, and after the grace its worker is stopped.
   */
  const cancel = (task: Task, verdict: Exit.Exit<never, unknown>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (task.isSettled) return Effect.void
      task.cancel(verdict)
      const busy = [...fleet.workers].filter((worker) => withdraw(worker, task))
      if (task.isQueued) queue.remove(task)
      endPending(task)
      finishAll([task])
      dispatch()
      if (busy.length === 0) return Effect.void
      fleet.keepSpare()
      return Effect.callback<void>((resume) => task.whenFinished(() => resume(Effect.void))).pipe(
        Effect.timeoutOrElse({
          duration: options.cancelGrace,
          orElse: () =>
            Effect.forEach(
              busy.filter((worker) => worker.line.items().some((item) => item.task === task)),
              fleet.stop,
              {
                concurrency: "unbounded",
                discard: true
              }
            )
        }),
        // A job runs in real time, whatever clock its caller has.
        Effect.provideService(Clock.Clock, host.clock)
      )
    })

  /** Whether the worker has begun an item of the task; then it is asked to stop. */
  const withdraw = (worker: Fleet.Worker, task: Task): boolean => {
    const { line, slots } = worker
    const begun: Array<number> = []
    post(worker)
    line.items().forEach((item) => {
      if (item.task !== task) return
      if (slots?.takeBack(item.number) !== true) return void begun.push(item.number)
      worker.jobs--
      putBack(worker, item)
    })
    if (line.size === 0 && worker.state === "busy") fleet.becomeIdle(worker)
    if (begun.length === 0) return false
    recall(worker)
    slots?.cancel(begun.at(-1)!)
    Effect.runSyncExit(worker.platformWorker!.send({ _tag: "Cancel", first: begun[0]!, last: begun.at(-1)! }))
    return true
  }

  /** Cancels the task when the time is over; returns what calls that off. */
  const limit = (task: Task, clock: DeadlineExceeded["clock"]): () => void => {
    const duration = task.deadline?.[clock]
    if (duration === undefined || task.isSettled) return () => {}
    const error = new DeadlineExceeded({ job: task.job.name, clock, limitMs: Duration.toMillis(duration) })
    const timer = runLater(Effect.delay(
      Effect.suspend(() => clock === "queued" && task.hasStarted ? Effect.void : cancel(task, Exit.fail(error))),
      duration
    ))
    return () => timer.interruptUnsafe()
  }

  const paceOf = (job: Job.Any): Pace => {
    const known = paces.get(job)
    if (known !== undefined) return known
    const pace = { runMs: undefined }
    paces.set(job, pace)
    return pace
  }

  const onItemSettled = (exit: Exit.Exit<unknown, unknown>) => {
    counts[Exit.isSuccess(exit) ? "finished" : "failed"]++
  }

  const accept = (job: Job.Any, inputs: ReadonlyArray<unknown>, runOptions: ValidRunOptions) =>
    Effect.withFiber<Settled<unknown, unknown>>((fiber) =>
      Effect.callback((resume) => {
        if (isClosed) return resume(Effect.interrupt)
        if (host.isInsideJob()) return resume(Effect.succeed(refused(inputs, new WouldDeadlock({ job: job.name }))))
        if (inputs.length === 0) return resume(Effect.succeed({ exits: [], runMs: 0, giveBack: nothingToGiveBack }))
        if (fiber.context !== context) {
          context = fiber.context
          caller = callerIn(context)
        }
        const task = new Task(
          newJobIds(inputs.length),
          job,
          paceOf(job),
          inputs,
          runOptions,
          caller,
          onItemSettled,
          resume
        )
        counts.accepted += inputs.length
        counts.queued += inputs.length
        if (task.priority > lowestAhead) recallAll()
        const worker = queue.size === 0 ? workerFor(task) : undefined
        if (worker === undefined) queue.push(task)
        else {
          assign(worker, task)
          enqueue(task)
        }
        if (queue.size > 0) onAvailable()
        // Last, and one by one, for one of no time at all may be over at once.
        if (task.deadline !== undefined) {
          task.whenFinished(limit(task, "queued"))
          task.whenFinished(limit(task, "total"))
        }
        return cancel(task, interrupted)
      })
    )

  /** What is about to come may go first. */
  const recallAll = () => {
    lowestAhead = Infinity
    fleet.workers.forEach(recall)
  }

  const execute = (job: Job.Any, inputs: ReadonlyArray<unknown>, runOptions?: RunOptions) =>
    runOptions === undefined
      ? accept(job, inputs, defaultRunOptions)
      : Effect.flatMap(validateRun(runOptions), (valid) => accept(job, inputs, valid))

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      fleet.startNoMore()
      endQueued(interrupted)
      const running = new Set([...fleet.workers].flatMap(({ line }) => line.items().map(({ task }) => task)))
      return Effect.andThen(
        Effect.forEach(running, (task) => cancel(task, interrupted), { concurrency: "unbounded", discard: true }),
        fleet.stopAll
      )
    })
  )

  const stats = Effect.sync((): Stats => ({
    workers: fleet.workers.size,
    busy: fleet.inState("busy"),
    queued: counts.queued + queuedBehind(),
    finished: counts.finished,
    failed: counts.failed,
    ...fleet.counts,
    ...timings.summary(options.maxWorkers)
  }))

  /** Items that a worker has beside the one that it runs. */
  const queuedBehind = () => {
    let queued = 0
    for (const { line, slots } of fleet.workers) {
      const waiting = line.items().filter(({ number, task }) =>
        task.canWaitAnywhere && slots?.isClaimed(number) === false
      ).length
      queued += waiting === line.size ? Math.max(0, waiting - 1) : waiting
    }
    return queued
  }

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

type ValidRunOptions = Effect.Success<ReturnType<typeof validateRun>>
