/**
 * Which items go to which worker, and what becomes of them there: a queue of tasks, a fleet of workers, and the rule that
 * each item settles once whatever becomes of the worker that has it.
 *
 * An item is pending, in the line of one worker, or settled. A worker has one item in its line, or a chunk of one
 * caller's; more only where memory is shared, as long as jobs are measured to be so short that the way to a worker and
 * back would take the longer time. What stands behind an item that turns out to be long is taken back.
 *
 * All changes happen in synchronous functions, so no fiber ever sees half of one.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Blame from "./Blame.ts"
import { buffersIn } from "./buffers.ts"
import { BusyPoll } from "./BusyPoll.ts"
import { now } from "./clock.ts"
import * as Fleet from "./Fleet.ts"
import type { Outcome, Settled } from "./protocol.ts"
import { SpareBuffers } from "./SpareBuffers.ts"
import type { Item, Measured, Task } from "./Task.ts"
import { TaskQueue } from "./TaskQueue.ts"
import { Timings } from "./Timings.ts"

/** A worker gets more as long as what it has will take no longer. */
const aheadMs = 0.5

/** Items of one chunk go together as long as they take no longer. */
const togetherMs = 20

/** How long a worker that sleeps takes to begin; jobs that run for less in all do not have it woken. */
const wakeMs = 0.05

/** A message that is so long does not wait for more. */
const fullMessage = 32

/** An input that takes longer to send goes alone: its worker receives it while the next one is sent. */
const quickMs = 0.005

/** A worker that has not begun its oldest item after so long is busy with what an earlier job left behind. */
const attentionMs = 10

/** An item that runs for longer keeps nothing behind it. */
const patience = Duration.millis(1)

/** Told synchronously of what becomes of tasks. */
export interface Events {
  /** A worker runs the task, which has a deadline for that. */
  readonly begun: (task: Task) => void
  /** Tasks may have settled. */
  readonly finished: () => void
}

export const make = Effect.fnUntraced(function*(options: Fleet.Options, host: Fleet.Host, events: Events) {
  const runLater = yield* FiberSet.makeRuntime<never>()

  const queue = new TaskQueue<Task>()
  const spareBuffers = new SpareBuffers(() => options.maxWorkers)
  const timings = new Timings()
  /** Those that have something outgoing. */
  const senders = new Set<Fleet.Worker>()
  /** Settle what could not be sent. */
  const refusals: Array<() => void> = []
  /** Items that are pending. */
  let queued = 0
  /** The priority of the latest task, and whether there have been others since all was at rest. */
  let priority: number | undefined
  let isMixed = false
  let isWatching = false

  /** Takes a task on. */
  const accept = (task: Task) => {
    if (isMixed && isAtRest()) {
      isMixed = false
      priority = undefined
    }
    queued += task.pending
    if (priority !== undefined && task.priority !== priority && !isMixed) {
      // From now on an order has to be kept that lines do not know.
      isMixed = true
      fleet.workers.forEach((worker) => recall(worker))
    }
    priority = task.priority
    const worker = queue.size === 0 ? workerFor(task) : undefined
    if (worker === undefined) queue.push(task)
    else {
      assign(worker, task)
      enqueue(task)
    }
    if (queue.size > 0) onAvailable()
  }

  const isAtRest = () => queued === 0 && [...fleet.workers].every(({ line }) => line.size === 0)

  const onAvailable = () => {
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
    const mayWait = !isMixed && task.canWaitAnywhere && task.pace.isKnown && fleet.isFull()
    let first: Fleet.Worker | undefined
    let firstMs = Infinity
    for (const worker of fleet.workers) {
      const isIdle = worker.state === "idle"
      if (!isIdle && !(mayWait && mayHaveMore(worker, task.pending))) continue
      const ms = isIdle ? mayWait && !worker.spins ? wakeMs : 0 : worker.line.runMs
      if (ms >= firstMs) continue
      first = worker
      firstMs = ms
    }
    return first
  }

  const mayHaveMore = ({ jobs, line, slots, state, unread }: Fleet.Worker, items: number) =>
    state === "busy" && slots !== undefined && unread === undefined && !line.isStuck && line.room >= items &&
    // One that takes long to send is on its way while the worker has the one before.
    (line.busyMs <= aheadMs || line.size === 1 && line.runMs <= aheadMs) &&
    jobs + items <= options.maxJobsPerWorker

  const assign = (worker: Fleet.Worker, task: Task) => {
    const { line } = worker
    const isIdle = worker.state === "idle"
    const items = task.take(Math.min(line.room, mostOf(worker, task), options.maxJobsPerWorker - worker.jobs))
    queued -= items.length
    worker.state = "busy"
    worker.jobs += items.length
    for (const item of items) {
      item.runMs = task.pace.runMs
      item.busyMs = task.pace.busyMs
      item.number = line.push(item)
      worker.slots?.send(item.number)
    }
    // An idle worker is woken by its first item, and the others of this turn are gathered meanwhile, if sending is quick.
    if (give(worker, items)) {
      if (isIdle) wake(worker)
      else postLater(worker)
    } else if (!isIdle && items.length === 1 && mayGather(items[0]!)) gather(worker, items[0]!)
    else {
      post(worker)
      send(worker, items)
    }
    if (line.size > 1) watch()
  }

  /** Sends a single item without a message, if its input fits into a slot; tells whether it did. */
  const give = (worker: Fleet.Worker, items: ReadonlyArray<Item>): boolean => {
    const { job, line, slots } = worker
    const { input, number, task } = items[0]!
    // It is run as one of the latest message, and no memory goes with it.
    const isPlain = items.length === 1 && task.job === job && line.outgoing.length === 0 && task.canWaitAnywhere &&
      !task.isTraced && !spareBuffers.has(job)
    if (!isPlain || slots?.give(number, input) !== true) return false
    items[0]!.sentAt = now()
    onSent(worker, items, items[0]!.sentAt)
    return true
  }

  /** The items that are sent to a busy worker in one turn of the event loop go in one message. */
  const gather = (worker: Fleet.Worker, item: Item) => {
    const { outgoing } = worker.line
    if (outgoing.length > 0 && outgoing[0]!.task.job !== item.task.job) post(worker)
    postLater(worker)
    if (worker.line.outgoing.push(item) >= fullMessage) post(worker)
  }

  const postLater = (worker: Fleet.Worker) => {
    if (senders.size === 0) queueMicrotask(() => senders.forEach(post))
    senders.add(worker)
  }

  const post = (worker: Fleet.Worker) => {
    const isSender = senders.delete(worker)
    const items = worker.line.outgoing
    if (items.length === 0) return void (isSender && wake(worker))
    worker.line.outgoing = []
    send(worker, items)
  }

  const send = (worker: Fleet.Worker, items: ReadonlyArray<Item>) => {
    const { number: id, task } = items[0]!
    const inputs = items.map(({ input }) => input)
    const together = items.every((item) => item.task === task)
    const spares = spareBuffers.take(task.job)
    const startedAt = now()
    const sent = Effect.runSyncExit(worker.platformWorker!.send({
      _tag: "Run",
      id,
      job: host.address(task.job),
      inputs,
      together,
      untilFailure: together && task.endsAtFailure,
      spares,
      observed: task.isObserved,
      traced: task.isTraced,
      limited: task.deadline?.running !== undefined,
      asSent: task.asSent
    }, [...spares, ...movingWith(task, inputs)]))
    if (Exit.isFailure(sent)) {
      // The worker waits for these before it takes a later one from the slots; a message tells that they do not come.
      worker.job = undefined
      // Their message would have done so, for what is in the slots before them.
      wake(worker)
      spareBuffers.put(task.job, spares)
      const reason = Fleet.reasonOf(sent)
      // Later, for it resumes callers, who may send more before what is being sent.
      if (refusals.length === 0) queueMicrotask(settleRefusals)
      return void refusals.push(() => onRefused(worker, items, reason))
    }
    worker.job = task.job
    const sentAt = now()
    for (const item of items) {
      item.sentAt = sentAt
      item.sendMs = (sentAt - startedAt) / items.length
    }
    if (worker.line.size > items.length) task.pace.sent(items[0]!.sendMs)
    onSent(worker, items, startedAt)
  }

  const onSent = (worker: Fleet.Worker, items: ReadonlyArray<Item>, at: number) => {
    if (worker.slots !== undefined) busyPoll.expect()
    items[0]!.task.started(items, worker.workerId, at)
    if (worker.jobs >= options.maxJobsPerWorker) fleet.fillSpares()
  }

  const settleRefusals = () => refusals.splice(0).forEach((settle) => settle())

  /** An input cannot be cloned. */
  const onRefused = (worker: Fleet.Worker, items: ReadonlyArray<Item>, reason: string) => {
    const held = items.filter((item) => worker.line.get(item.number) === item)
    if (held.length === 0) return
    for (const item of held) {
      worker.jobs--
      if (items.length > 1) putBack(worker, item).task.suspect()
      else {
        worker.line.remove(item.number)
        item.task.refused(item, reason)
      }
    }
    released(worker, held.map(({ task }) => task).toReversed())
  }

  const onSettled = (worker: Fleet.Worker, message: Settled) => {
    const { cost, id, outcomes, returnedAt, spans, startedAt } = message
    const { line, workerId } = worker
    const first = line.get(id)
    if (first === undefined) return
    busyPoll.came()
    if (spans !== undefined) first.task.traced(spans)
    if (message.buffers.length > 0) first.task.keep(message.buffers)
    const runMs = (returnedAt - startedAt) / outcomes.length
    const betweenMs = line.between(first.sentAt, startedAt, returnedAt)
    // One that shares no memory is another process.
    const where = cost !== undefined && worker.slots === undefined ? { isElsewhere: true } : undefined
    const tasks: Array<Task> = []
    for (const [n, outcome] of outcomes.entries()) {
      const item = line.get(id + n)!
      settle(worker, item, outcome, runMs, betweenMs && betweenMs / outcomes.length, {
        workerId,
        startedAt,
        at: returnedAt,
        cpuMs: cost?.cpuMs === undefined ? undefined : cost.cpuMs / outcomes.length,
        resultBytes: cost?.resultBytes[n] ?? 0,
        ...where
      })
      tasks.push(item.task)
    }
    // Such a worker replies once, when it is done with all that it was sent.
    if (worker.slots === undefined) line.items().forEach((item) => tasks.push(putBack(worker, item).task))
    released(worker, tasks)
  }

  const onProgress = (worker: Fleet.Worker) => {
    const tasks = collect(worker)
    if (tasks.length === 0) return
    busyPoll.came()
    released(worker, tasks)
  }

  const busyPoll = new BusyPoll(
    () => {
      const busy = fleet.inState("busy")
      return busy > 0 && busy < Fleet.cores
    },
    () => fleet.workers.forEach(onProgress)
  )

  /** Settles what is done in the slots. */
  const collect = (worker: Fleet.Worker): Array<Task> => {
    const { line, slots, workerId } = worker
    const tasks: Array<Task> = []
    if (slots === undefined) return tasks
    if (!busyPoll.isOn) slots.listen()
    const { next } = line
    for (let number = line.first; number < next; number++) {
      const item = line.get(number)
      if (item === undefined) continue
      if (!slots.isClaimed(number)) break
      if (!slots.isDone(number)) continue
      const startedAt = slots.startedAt(number)
      const at = slots.returnedAt(number)
      const outcome: Outcome = { _tag: "Succeeded", value: slots.takeResult(number) }
      const runMs = at - startedAt
      const betweenMs = line.between(item.sentAt, startedAt, at)
      settle(worker, item, outcome, runMs, betweenMs, { workerId, startedAt, at, cpuMs: undefined, resultBytes: 0 })
      // The message that it has begun may come later, when nobody knows any more whose it is.
      if (item.task.deadline !== undefined) events.begun(item.task)
      tasks.push(item.task)
    }
    return tasks
  }

  /** The item ran for `runMs`; what its worker did for it beside took `betweenMs`, where that is known. */
  const settle = (
    worker: Fleet.Worker,
    item: Item,
    outcome: Outcome,
    runMs: number,
    betweenMs: number | undefined,
    measured: Measured
  ) => {
    const { task } = item
    worker.line.remove(item.number)
    timings.waited(measured.startedAt! - task.acceptedAt)
    timings.ran(runMs)
    task.pace.measured(runMs, betweenMs, item.sendMs)
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

  /** Puts a task with items to run where it has its turn next, or settles those that are not to run any more. */
  const enqueue = (task: Task) => {
    if (task.isCancelled || task.hasFailed) {
      if (task.isQueued) queue.remove(task)
      endPending(task)
    } else if (task.hasTurn && !task.isQueued) queue.unshift(task)
  }

  const finishAll = (tasks: ReadonlyArray<Task>) => {
    for (const task of tasks) {
      if (!task.isAway) task.release()
      if (task.isSettled && !task.hasFinished) task.finish((buffers) => spareBuffers.put(task.job, buffers))
    }
    events.finished()
  }

  const putBack = (worker: Fleet.Worker, item: Item): Item => {
    worker.line.remove(item.number)
    queued++
    item.task.putBack(item)
    return item
  }

  const endPending = (task: Task, exit?: Exit.Exit<never, unknown>) => {
    queued -= task.pending
    task.end(exit)
  }

  /** What the worker runs meanwhile is not to blame, and ends there; its reply may be on the way. */
  const onUnread = (worker: Fleet.Worker) => {
    onProgress(worker)
    const { line, slots, unread } = worker
    // Replies come in order.
    const oldest = line.items().find(({ number }) => slots?.isClaimed(number) === true)
    if (unread!.side === "result" && oldest !== undefined && (oldest.task.isSingle || line.size === 1)) {
      return onResultUnread(worker, oldest, unread!.reason)
    }
    if (unread!.side === "result") return fleet.lose(worker)
    // All of it, for what the worker began as it goes it would be said to have died of.
    recall(worker, 0).forEach((task) => task.suspect())
    if (line.size === 0 || slots?.isClaimed(line.first) !== true) fleet.lose(worker)
    onAvailable()
  }

  /** The result is that of this item, and of no other: its worker waits for nothing, and goes on. */
  const onResultUnread = (worker: Fleet.Worker, item: Item, reason: string) => {
    const { slots, workerId } = worker
    const startedAt = slots!.startedAt(item.number)
    const at = now()
    const measured = { workerId, startedAt, at, cpuMs: undefined, resultBytes: 0 }
    worker.unread = undefined
    // Nor may an input before it have been: a message tells that it does not come.
    worker.job = undefined
    settle(worker, item, { _tag: "NotCloned", side: "result", reason }, at - startedAt, undefined, measured)
    released(worker, [item.task])
  }

  const onLost = (worker: Fleet.Worker, death: Fleet.Death) => {
    const tasks = collect(worker)
    senders.delete(worker)
    worker.line.outgoing = []
    const held = worker.line.items().map((item) => ({ item, progress: progressOf(worker, item) }))
    for (const [n, verdict] of Blame.verdicts(held, worker.unread).entries()) {
      const { item } = held[n]!
      tasks.push(item.task)
      if (verdict === "guilty" || verdict === "unread") {
        worker.line.remove(item.number)
        if (item.task.lost(item, death, verdict === "unread" ? worker.unread : undefined)) queued++
      } else {
        putBack(worker, item)
        if (verdict !== "innocent") item.task.suspect()
        item.isAccused ||= verdict === "accused"
      }
    }
    tasks.toReversed().forEach(enqueue)
    finishAll(tasks)
  }

  const fleet = yield* Fleet.make(options, host, {
    available: onAvailable,
    begun: (worker, id) => {
      const item = worker.line.get(id)
      if (item !== undefined) events.begun(item.task)
    },
    settled: onSettled,
    progressed: onProgress,
    unread: onUnread,
    lost: onLost,
    noneLeft: (error) => endQueued(Exit.fail(error))
  })

  /** Takes back what the worker has beside its oldest items and need not start there. */
  const recall = (worker: Fleet.Worker, oldest = 1): ReadonlyArray<Task> => {
    const { line, slots } = worker
    const tasks: Array<Task> = []
    if (slots === undefined) return tasks
    post(worker)
    for (const item of line.items().slice(oldest).toReversed()) {
      if (!item.task.canWaitAnywhere) continue
      if (!slots.takeBack(item.number)) break
      worker.jobs--
      putBack(worker, item)
      tasks.push(item.task)
    }
    tasks.forEach(enqueue)
    return tasks
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

  /** Settles what no worker has begun of a cancelled task; returns the workers that have, which are asked to stop. */
  const withdraw = (task: Task): ReadonlyArray<Fleet.Worker> => {
    if (task.isQueued) queue.remove(task)
    settleRefusals()
    const collected = [...fleet.workers].flatMap(collect)
    const busy = [...fleet.workers].filter((worker) => withdrawFrom(worker, task))
    endPending(task)
    collected.forEach(enqueue)
    finishAll([...collected, task])
    onAvailable()
    return busy
  }

  /** Whether the worker has begun an item of the task, or should have; then it is asked to stop. */
  const withdrawFrom = (worker: Fleet.Worker, task: Task): boolean => {
    const { line, slots } = worker
    const begun: Array<number> = []
    post(worker)
    line.items().forEach((item) => {
      if (item.task !== task) return
      if (isOverdue(line, item) || slots?.takeBack(item.number) !== true) return void begun.push(item.number)
      worker.jobs--
      putBack(worker, item)
    })
    if (line.size === 0 && worker.state === "busy") fleet.becomeIdle(worker)
    if (begun.length === 0) return false
    recall(worker)
    line.isStuck = true
    slots?.cancel(begun.at(-1)!)
    Effect.runSyncExit(worker.platformWorker!.send({ _tag: "Cancel", first: begun[0]!, last: begun.at(-1)! }))
    return true
  }

  /** Items that a worker has beside the one that it runs. */
  const queuedBehind = () => {
    let behind = 0
    for (const { line, slots } of fleet.workers) {
      const waiting = line.items().filter(({ number, task }) =>
        task.canWaitAnywhere && slots?.isClaimed(number) === false
      ).length
      behind += waiting === line.size ? Math.max(0, waiting - 1) : waiting
    }
    return behind
  }

  return {
    fleet,
    accept,
    withdraw,
    endQueued,
    /** The tasks that workers have items of. */
    tasksAway: () => new Set([...fleet.workers].flatMap(({ line }) => line.items().map(({ task }) => task))),
    stats: () => ({ queued: queued + queuedBehind(), ...timings.summary(options.maxWorkers) })
  }
})

/** Has the worker look into its slots, unless it does so by itself. */
const wake = ({ platformWorker, slots }: Fleet.Worker) => {
  if (slots?.mustWake() === true) Effect.runSyncExit(platformWorker!.send({ _tag: "Given" }))
}

const mayGather = ({ input, task }: Item): boolean =>
  task.canWaitAnywhere && !task.isTraced && (typeof input !== "object" || task.pace.sendMs < quickMs)

/** Whether it should have begun long ago; then only a reply tells that its worker can still be used. */
const isOverdue = ({ first }: Fleet.Worker["line"], { number, sentAt }: Item): boolean =>
  number === first && now() - sentAt > attentionMs

/** How far a worker that is gone was with the item; what it has not begun it never will, should it be at work still. */
const progressOf = ({ isHeldUp, jobs, line, slots }: Fleet.Worker, { number }: Item): Blame.Progress => {
  if (slots === undefined && !isHeldUp) return "unknown"
  if (slots?.takeBack(number) === false) return slots.isReplied(number) ? "replied" : "begun"
  // Otherwise it has run nothing that could keep it busy.
  return isHeldUp && jobs > line.size ? "heldUp" : "sent"
}

/** Of the buffers that move with a task those that are in these of its inputs. */
const movingWith = ({ transfer }: Task, inputs: ReadonlyArray<unknown>): ReadonlyArray<ArrayBuffer> => {
  if (transfer.length === 0) return transfer
  const reached = buffersIn(inputs)
  return transfer.filter((buffer) => reached.has(buffer))
}

/** How many items of a chunk go together: few of those that take long, for the others may have to be taken back. */
const mostOf = ({ slots }: Fleet.Worker, { canWaitAnywhere, pace }: Task): number =>
  slots === undefined || !canWaitAnywhere || !pace.isKnown
    ? Infinity
    : Math.max(1, Math.floor(togetherMs / pace.busyMs))
