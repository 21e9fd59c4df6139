/**
 * The workers of an executor: how they start and stop, and how many there are.
 *
 * A worker is starting, idle, busy, retired (it has run as many jobs as it may) or stopping, and counts until it is
 * gone. Beside the counted ones there can be spares, which are up or starting and run nothing: they take the place of
 * workers that go, so that no job waits for a start.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import { identity } from "effect/Function"
import * as Result from "effect/Result"
import { type Spawner, type Worker as PlatformWorker, WorkerPlatform } from "effect/workers/Worker"
import { isWorkerError } from "effect/workers/WorkerError"
import { availableParallelism } from "node:os"
import { type ExecutorError, WorkerStartError } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { clockOffset, isClockSet, now } from "./clock.ts"
import { describe } from "./errorCodec.ts"
import { Line } from "./Line.ts"
import type { FromWorker, Settled, ToWorker, Unread } from "./protocol.ts"
import { Slots } from "./Slots.ts"
import type { Item } from "./Task.ts"

/** What a back end adds to its `WorkerPlatform`. */
export interface Host {
  /** Stops a worker without asking it, and returns when its core is free. */
  readonly terminate: (workerId: number) => Effect.Effect<void>
  /** How a worker that is gone went; asked once. */
  readonly exitOf: (workerId: number) => WorkerExit
  /** How a message names a job. */
  readonly address: (job: Job.Any) => unknown
  /** Whether an executor and its workers can share memory. */
  readonly sharesMemory: boolean
  /** Why a job is not to be accepted where its caller is, if there is a reason: it would wait for itself for ever. */
  readonly refusal: (job: Job.Any) => ExecutorError | undefined
  /**
   * Where no memory is shared: keeps a worker that has not begun the item from beginning any more; it says then that it is
   * held up.
   */
  readonly holdBack?: (workerId: number, item: number) => void
  /** Reads what a worker sends, where that comes packed. */
  readonly unpacked?: (message: FromWorker) => FromWorker
  /** The time in which its jobs run, whatever clock their callers have. */
  readonly clock: Clock.Clock
}

/** What the system says of a worker that is gone. */
export interface WorkerExit {
  readonly exitCode: number | undefined
  /** The signal that killed it. */
  readonly signal?: string | undefined
}

export interface Options {
  readonly maxWorkers: number
  readonly minWorkers: number
  readonly idleTimeToLive: Duration.Duration
  readonly maxJobsPerWorker: number
  readonly setup: Job.Any | undefined
}

export interface Worker {
  readonly workerId: number
  /** Undefined where the two share no memory. */
  readonly slots: Slots | undefined
  readonly line: Line<Item>
  /** It may stay awake for a moment when it has nothing to do. */
  readonly spins: boolean
  state: "starting" | "idle" | "busy" | "retired" | "stopping"
  /** Jobs that were sent to it. */
  jobs: number
  /** The job of the latest message. */
  job: Job.Any | undefined
  idleSince: number
  /** A timer will see whether it has been idle for too long. */
  isWatched: boolean
  platformWorker: PlatformWorker<FromWorker, ToWorker> | undefined
  fiber: Fiber.Fiber<never, unknown> | undefined
  setupFailure: string | undefined
  /** The error of which its process ends. */
  uncaught: string | undefined
  /** Why it goes, where one of the two could not read what the other sent. */
  unread: Unread | undefined
  /** The number of its oldest item, if it seemed not to have begun that when `stopStuck` looked last. */
  unbegun: number | undefined
  /** It will begin nothing of what it has. */
  isHeldUp: boolean
}

/** How a worker went. */
export interface Death {
  readonly workerId: number
  readonly exitCode: number | undefined
  readonly reason: string
}

/** Told synchronously of what becomes of workers. */
export interface Events {
  /** There may be a worker for a job, or room for one. */
  readonly available: () => void
  /** The worker begins an item, where somebody waits for that. */
  readonly begun: (worker: Worker, id: number) => void
  readonly settled: (worker: Worker, message: Settled) => void
  /** There are results in the worker's slots. */
  readonly progressed: (worker: Worker) => void
  /** A worker, or this side, could not read what the other sent. */
  readonly unread: (worker: Worker) => void
  /** A worker is gone. */
  readonly lost: (worker: Worker, death: Death) => void
  /** A worker could not be started, and there is none that will run a job. */
  readonly noneLeft: (error: WorkerStartError) => void
}

/** How many threads can run at the same time: those of workers, and the executor's own. */
export const cores = availableParallelism()

/** After a start that failed none is tried for so long, while other workers are there. */
const restartPause = Duration.seconds(1)

/** An idle worker that is asked to go has so long to do it. */
const partingGrace = Duration.seconds(1)

/** How often it is looked whether workers begin what they were sent. */
const attentionInterval = Duration.seconds(2)

/** To receive an input takes at most so many times as long as to send it. */
const receivingTakes = 20

export type Fleet = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function*(options: Options, host: Host, events: Events) {
  const platform = yield* WorkerPlatform
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context<Spawner>())
  const runLater = yield* FiberSet.makeRuntime<never>()
  const idleMillis = Duration.toMillis(options.idleTimeToLive)
  const started = Deferred.makeUnsafe<void, WorkerStartError>()

  const workers = new Set<Worker>()
  const counts = { died: 0, recycled: 0 }
  const spares = new Set<Worker>()
  let keepsSpare = false
  let lastWorkerId = 0
  let isPaused = false
  /** The latest start failed: only a job that waits is a reason to try again. */
  let isBroken = false
  /** A worker died that had run nothing, and none has run anything since: whatever it died of, others may as well. */
  let hasDiedUnused = false
  let isClosed = false

  const read = host.unpacked ?? identity

  /** By a clock that nobody sets back. */
  const monotonicMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const inState = (state: Worker["state"]) => {
    let n = 0
    for (const worker of workers) if (worker.state === state) n++
    return n
  }

  const launch = (): Worker => {
    const worker: Worker = {
      workerId: ++lastWorkerId,
      slots: host.sharesMemory ? new Slots() : undefined,
      line: new Line(),
      spins: host.sharesMemory && [...workers, ...spares].filter(({ spins }) => spins).length < cores - 1,
      state: "starting",
      jobs: 0,
      job: undefined,
      idleSince: 0,
      isWatched: false,
      platformWorker: undefined,
      fiber: undefined,
      setupFailure: undefined,
      uncaught: undefined,
      unread: undefined,
      unbegun: undefined,
      isHeldUp: false
    }
    worker.fiber = runFork(
      Effect.gen(function*() {
        worker.platformWorker = yield* platform.spawn<FromWorker, ToWorker>(worker.workerId)
        yield* worker.platformWorker.send({
          _tag: "Init",
          workerId: worker.workerId,
          slots: worker.slots?.memory,
          spins: worker.spins,
          clockOffset: host.sharesMemory && !isClockSet() ? undefined : clockOffset(),
          setup: options.setup === undefined ? undefined : host.address(options.setup)
        })
        return yield* worker.platformWorker.run((message) => Effect.sync(() => receive(worker, message)))
      }).pipe(
        // It may fail at once, and must not be gone before it has a place.
        Effect.onError(() => Effect.yieldNow)
      )
    )
    worker.fiber.addObserver((exit) => onGone(worker, exit))
    return worker
  }

  /** Node sends messages of its own, as with `--watch` of the modules that a worker loads. */
  const receive = (worker: Worker, message: FromWorker | undefined) => {
    if (message?._tag !== undefined) onMessage(worker, read(message))
  }

  const onMessage = (worker: Worker, message: FromWorker) => {
    if (message._tag === "Progress") return events.progressed(worker)
    if (message._tag === "Settled") return events.settled(worker, message)
    if (message._tag === "Begun") return events.begun(worker, message.id)
    if (message._tag === "Unread") {
      worker.unread = message
      return events.unread(worker)
    }
    if (message._tag === "HeldUp") return stopHeldUp(worker)
    if (message._tag === "Uncaught") return void (worker.uncaught = message.error)
    if (worker.state !== "starting") return
    if (message._tag === "SetupFailed") {
      worker.setupFailure = message.reason
      return void runFork(host.terminate(worker.workerId))
    }
    isBroken = false
    becomeIdle(worker)
    if (inState("starting") === 0) Deferred.doneUnsafe(started, Exit.void)
    if (spares.has(worker)) {
      const retired = [...workers].find(({ state }) => state === "retired")
      if (retired !== undefined) runFork(stop(retired))
    }
    events.available()
  }

  /** Stops a worker that waits for what never comes. */
  const lose = (worker: Worker) => void runFork(Fiber.interrupt(worker.fiber!))

  const onGone = (worker: Worker, exit: Exit.Exit<never, unknown>) => {
    const { state, workerId } = worker
    const { exitCode, signal } = host.exitOf(workerId)
    const exited = signal === undefined ? reasonOf(exit) : `it was killed by ${signal}`
    const ended = worker.uncaught === undefined ? exited : `${exited}: ${worker.uncaught}`
    const death = { workerId, exitCode, reason: worker.setupFailure ?? worker.unread?.reason ?? ended }
    workers.delete(worker)
    spares.delete(worker)
    if (state !== "stopping") counts.died++
    if (state === "starting") startFailed(new WorkerStartError(death))
    if (state === "idle" && worker.jobs === 0) {
      if (hasDiedUnused) pauseStarts()
      hasDiedUnused = true
    }
    if (isWornOut(worker)) promoteAny()
    events.lost(worker, death)
    events.available()
  }

  const startFailed = (error: WorkerStartError) => {
    Deferred.doneUnsafe(started, Exit.fail(error))
    isBroken = true
    pauseStarts()
    if (inState("retired") === workers.size) events.noneLeft(error)
  }

  const pauseStarts = () => {
    if (isPaused) return
    isPaused = true
    runLater(Effect.delay(Effect.sync(resumeStarts), restartPause))
  }

  const resumeStarts = () => {
    isPaused = false
    events.available()
  }

  /** Starts workers for jobs that wait, at most as many as there is room for. */
  const grow = (waitingJobs: number) => {
    if (isClosed || (isBroken && waitingJobs === 0)) return
    const promoted = promoteIdle(waitingJobs)
    const mayStart = !isPaused || workers.size === 0 && waitingJobs > 0
    const wanted = Math.max(waitingJobs - promoted - inState("starting"), options.minWorkers - workers.size)
    for (let n = Math.min(wanted, options.maxWorkers - workers.size); n > 0; n--) {
      if (!promoteAny() && mayStart) workers.add(launch())
    }
    fillSpares()
  }

  /** Gives places to spares that are up, even if other workers start: a job need not wait for those. */
  const promoteIdle = (waitingJobs: number): number => {
    let promoted = 0
    while (promoted < waitingJobs && workers.size < options.maxWorkers && promoteSpare("idle")) promoted++
    return promoted
  }

  const promoteAny = () => promoteSpare("idle") || promoteSpare("starting")

  const promoteSpare = (state: Worker["state"]): boolean => {
    const spare = [...spares].find((spare) => spare.state === state)
    if (spare === undefined) return false
    spares.delete(spare)
    workers.add(spare)
    if (state === "idle") watch(spare)
    return true
  }

  /** One for each worker that runs its last job, and one where jobs are interrupted. */
  const fillSpares = () => {
    if (isClosed || isPaused) return
    const wanted = wornOut() + (keepsSpare ? 1 : 0)
    while (spares.size < wanted) spares.add(launch())
  }

  const wornOut = () => [...workers].filter(isWornOut).length

  const isWornOut = (worker: Worker) => worker.jobs >= options.maxJobsPerWorker

  const becomeIdle = (worker: Worker) => {
    if (worker.unread !== undefined) return lose(worker)
    worker.state = "idle"
    if (worker.jobs > 0) hasDiedUnused = false
    if (Number.isFinite(idleMillis)) worker.idleSince = monotonicMillis()
    if (isWornOut(worker)) retire(worker)
    else watch(worker)
  }

  /** Has the worker stopped when it has been idle for too long; one timer serves for all its jobs. */
  const watch = (worker: Worker) => {
    if (worker.isWatched || !Number.isFinite(idleMillis)) return
    worker.isWatched = true
    const left = worker.idleSince + idleMillis - monotonicMillis()
    // Never at once, for it may be about to get a job.
    runLater(Effect.andThen(Effect.yieldNow, Effect.delay(stopIfIdle(worker), left)))
  }

  const stopIfIdle = (worker: Worker) =>
    Effect.suspend(() => {
      worker.isWatched = false
      if (worker.state !== "idle") return Effect.void
      if (monotonicMillis() - worker.idleSince < idleMillis) return Effect.sync(() => watch(worker))
      if (!isDispensable(worker)) return Effect.void
      if (spares.has(worker)) keepsSpare = false
      return stop(worker)
    })

  const isDispensable = (worker: Worker) =>
    spares.has(worker)
      ? staying(spares) > wornOut() + Math.max(0, options.minWorkers - staying(workers))
      : staying(workers) > options.minWorkers

  const staying = (group: Set<Worker>) =>
    [...group].filter(({ setupFailure, state }) => state !== "stopping" && setupFailure === undefined).length

  /** It has run its last job, and goes when its replacement is up. */
  const retire = (worker: Worker) => {
    counts.recycled++
    worker.state = "retired"
    fillSpares()
    for (const spare of spares) if (spare.state === "idle") return void runFork(stop(worker))
  }

  const stop = (worker: Worker): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { state } = worker
      worker.state = "stopping"
      const terminate = Effect.asVoid(Effect.andThen(host.terminate(worker.workerId), Fiber.await(worker.fiber!)))
      if (state === "busy" || state === "starting") return terminate
      // One that goes already may still be showing what its jobs have printed.
      const going = state === "stopping" ? Fiber.await(worker.fiber!) : Fiber.interrupt(worker.fiber!)
      // What a job left behind may keep it from hearing that it should go.
      return Effect.asVoid(going).pipe(
        Effect.timeoutOrElse({ duration: partingGrace, orElse: () => terminate }),
        Effect.provideService(Clock.Clock, host.clock)
      )
    })

  const stopHeldUp = (worker: Worker) => {
    worker.isHeldUp = true
    runFork(stop(worker))
  }

  /** A worker that begins nothing any more, for an earlier job keeps it busy, goes; what it was sent runs elsewhere. */
  const stopStuck = () => {
    for (const worker of workers) {
      const { line, slots, state, unbegun } = worker
      const oldest = line.get(line.first)
      const isWaiting = state === "busy" && oldest !== undefined && slots?.isClaimed(oldest.number) !== true
      worker.unbegun = isWaiting ? oldest.number : undefined
      if (!isWaiting || unbegun !== oldest.number) continue
      if (now() - oldest.sentAt <= receivingTakes * oldest.sendMs) continue
      if (slots === undefined) host.holdBack?.(worker.workerId, oldest.number)
      else stopHeldUp(worker)
    }
  }
  runLater(
    Effect.forever(Effect.delay(Effect.sync(stopStuck), attentionInterval)).pipe(
      Effect.provideService(Clock.Clock, host.clock)
    )
  )

  return {
    workers,
    counts,
    /** Done when `minWorkers` are up. */
    started: options.minWorkers === 0 ? Effect.void : Deferred.await(started),
    inState,
    isFull: () => workers.size >= options.maxWorkers,
    grow,
    fillSpares,
    becomeIdle,
    stop,
    lose,
    /** Has a spare until one is idle for too long: somebody interrupts jobs that run. */
    keepSpare: () => {
      keepsSpare = true
      fillSpares()
    },
    /** From now on none is started. */
    startNoMore: () => {
      isClosed = true
    },
    stopAll: Effect.suspend(() =>
      Effect.forEach([...workers, ...spares], stop, { concurrency: "unbounded", discard: true })
    )
  }
})

/** Why a worker or a message failed, in one line. */
export const reasonOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "it ended"
  const error = Result.getOrElse(Cause.findError(exit.cause), () => Cause.squash(exit.cause))
  const reported = isWorkerError(error) ? error.reason.cause ?? error : error
  const { message, name } = describe(reported)
  return isWorkerError(reported) ? message : `${name}: ${message}`
}
