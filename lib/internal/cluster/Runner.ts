/**
 * A runner: takes jobs from the queue of a cluster, no more at a time than it has workers, and runs them on its own
 * executor. A job is looked up by its name among those that the runner was given; what comes over the network is data.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { MinimumLogLevel } from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { Executor, type JobEvent, JobObserver } from "../../Executor.ts"
import { CloneError, JobNotFound, WorkerDied, WorkerStartError } from "../../ExecutorError.ts"
import type * as Job from "../../Job.ts"
import { type Place, type Reference, ResultStore } from "../../ResultStore.ts"
import { now } from "../clock.ts"
import { describe } from "../errorCodec.ts"
import { StoredResult, ValuesAsSent } from "../StoredResult.ts"
import { hasSchemas } from "./asSent.ts"
import * as JobTable from "./JobTable.ts"
import * as Membership from "./Membership.ts"
import * as messages from "./messages.ts"
import { persist } from "./persist.ts"
import type { Measured } from "./RemoteTask.ts"
import { workersPerRunner } from "./RunnerClocks.ts"
import { sourceOf } from "./source.ts"
import * as values from "./values.ts"
import * as wire from "./wire.ts"

export interface Options {
  readonly jobs: ReadonlyArray<Job.Any>
  readonly address: string
  readonly keepFor: Duration.Duration
}

/** A job that so many runners began and did not end is taken to be what ended them. */
const maxAttempts = 5

/** What the database answers after longer is asked again, once: another runner can have the job by now. */
const maxAnswerMs = 1000

const Sent = Schema.fromJsonString(Schema.Struct({
  retryWorkerDeath: Schema.Int,
  observed: Schema.Boolean,
  untilFailure: Schema.optionalKey(Schema.Boolean),
  runningMs: Schema.optionalKey(Schema.Finite)
}))

const Trace = Schema.fromJsonString(
  Schema.Struct({ traceId: Schema.String, spanId: Schema.String, sampled: Schema.Boolean })
)

/**
 * So many runners listen, those that have been there longest: Postgres wakes all who listen at each notification, whatever
 * it is about. The others find out by asking.
 */
const maxListeners = 8

/** A job that runs, and what stops it. */
interface Running {
  readonly ticket: JobTable.Ticket
  /** How many runners had begun it with this one. */
  readonly attempts: number
  readonly cancelled: Deferred.Deferred<void>
}

/** Runs until its scope closes; then jobs that still run go back to the queue. `drain` lets them end before that. */
export const make = Effect.fnUntraced(function*({ address, jobs, keepFor }: Options) {
  const table = yield* JobTable.JobTable
  const executor = yield* Executor
  const results = yield* ResultStore
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const running = new Set<Running>()
  /** Workers that wait for a job. */
  let waiting = 0
  let isDraining = false

  const self = { address, pid: process.pid, workers: executor.maxWorkers, jobs: JSON.stringify([...byName.keys()]) }
  const runner = yield* persist(table.addRunner(self))
  yield* Effect.addFinalizer(() => Effect.ignore(table.removeRunner(runner)))
  const member = yield* Layer.build(Membership.layer(runner, keepFor)).pipe(
    // That a cluster without its last runner has none is no news.
    Effect.provideService(MinimumLogLevel, "Error")
  )
  const heldShards = Effect.provide(Membership.heldShards, member)

  // What it says to the database is said whole: what it has begun it ends, or gives back.
  const handle = (ticket: JobTable.Ticket, workerId: number, free: Effect.Effect<void>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        if (isDraining) return yield* Effect.interrupt
        const worker = { workerId, runner: address }
        const askedAt = now()
        const started = yield* table.start(ticket, runner, worker)
        // It has ended, or was submitted anew.
        if (started === undefined) return
        // Heard of late, for this runner was frozen or cut off, it may have ended on another since.
        if (now() - askedAt > maxAnswerMs) {
          const wanted = yield* table.wanted([ticket.id])
          if (wanted.get(ticket.id)?.submission !== ticket.submission) return
        }
        const startedAt = now()
        const entry: Running = { ticket, attempts: started.attempts, cancelled: Deferred.makeUnsafe() }
        running.add(entry)
        const reply = yield* restore(
          Effect.raceFirst(run(started, workerId, free), Effect.as(Deferred.await(entry.cancelled), undefined))
        ).pipe(
          Effect.onInterrupt(() => Effect.ignore(table.release(ticket, runner))),
          Effect.ensuring(Effect.sync(() => running.delete(entry)))
        )
        if (reply === undefined) {
          return yield* Effect.ignore(table.stopped(ticket, { ...worker, startedAt, returnedAt: now() }))
        }
        // What has been computed is not lost because the database is away.
        const isAccepted = yield* persist(table.finish(ticket, reply))
        if (!isAccepted) yield* messages.discard(reply.reference)
      })
    )

  const run = (started: JobTable.Started, workerId: number, free: Effect.Effect<void>) =>
    Effect.gen(function*() {
      const job = byName.get(started.job)
      const refused = job === undefined ? notFound(started.job) : refusal(job, started, workerId)
      if (refused !== undefined) return yield* reply(job, [Exit.fail(refused)], unmeasured(workerId))
      const loaded = yield* Effect.exit(messages.load({ bytes: started.input, reference: started.inputReference }))
      if (Exit.isFailure(loaded)) {
        const error = values.inputError(job!, Cause.squash(loaded.cause))
        return { ...yield* reply(job, [Exit.fail(error)], unmeasured(workerId)), isRefusal: true }
      }
      const sent = yield* Effect.orDie(Schema.decodeEffect(Sent)(started.options))
      // The worker itself writes the result, where the message has one.
      const place = loaded.value.values.length === 1 ? results.reserve?.() : undefined
      return yield* execute(job!, loaded.value.values, sent, workerId, free, place).pipe(
        Effect.onInterrupt(() => place === undefined ? Effect.void : results.remove(place))
      )
    }).pipe((running) =>
      started.trace === null
        ? running
        : running.pipe(
          Effect.withSpan(`runner ${started.job}`, {
            parent: Tracer.externalSpan(Schema.decodeSync(Trace)(started.trace)),
            attributes: { runner: address, worker: workerId, attempt: started.attempts }
          }),
          Effect.withTracerEnabled(true)
        )
    )

  const execute = Effect.fnUntraced(function*(
    job: Job.Any,
    sent: ReadonlyArray<unknown>,
    { observed, retryWorkerDeath, runningMs, untilFailure = false }: typeof Sent.Type,
    workerId: number,
    free: Effect.Effect<void>,
    place: Place | undefined
  ) {
    const startedAt = now()
    const events: Array<Extract<JobEvent, { readonly _tag: "Settled" }>> = []
    // The type of a job's inputs is not known here.
    const settled = yield* executor.execute(job, sent as ReadonlyArray<never>, {
      // The workers that are free are those of other messages.
      oneByOne: true,
      untilFailure,
      retryWorkerDeath,
      ...(runningMs !== undefined && { deadline: { running: runningMs } })
    }).pipe(
      Effect.orDie,
      Effect.provideService(
        JobObserver,
        observed ? (event) => event._tag === "Settled" && events.push(event) : undefined
      ),
      Effect.provideService(
        ValuesAsSent,
        place !== undefined || hasSchemas(job) ? { file: place?.file } : undefined
      )
    )
    const returnedAt = now()
    yield* free
    events.sort((a, b) => a.id - b.id)
    const measured: Measured = {
      runner: address,
      workerId,
      startedAt,
      returnedAt,
      runMs: settled.runMs,
      items: observed
        ? events.map(({ cpuMs, resultBytes }) => ({ ...(cpuMs !== undefined && { cpuMs }), resultBytes }))
        : []
    }
    const exits = settled.exits.map((exit) => Exit.mapError(exit, (error) => ofWorker(error, workerId)))
    // A worker that was stopped may have begun to write it.
    if (place !== undefined && Exit.isFailure(exits[0]!)) yield* results.remove(place)
    const stored = place && referenceTo(place, exits[0]!)
    return yield* Effect.ensuring(reply(job, exits, measured, stored), Effect.sync(settled.giveBack))
  })

  /** The reply to a job as it is stored, its result where that is already; one that cannot be is a reply that says so. */
  const reply = (
    job: Job.Any | undefined,
    exits: ReadonlyArray<Exit.Exit<unknown, unknown>>,
    measured: Measured,
    stored?: Reference
  ): Effect.Effect<JobTable.Reply, never, ResultStore> =>
    Effect.gen(function*() {
      const writer = new wire.Writer()
      writer.add(measured)
      if (stored !== undefined) {
        return { state: "done" as const, isRefusal: false, ...messages.inline(writer.pieces(), stored) }
      }
      const message = yield* messages.store(() => {
        for (const exit of exits) values.addExit(writer, job, exit)
        return writer.pieces()
      })
      const state = exits.every(Exit.isSuccess) ? "done" as const : "failed" as const
      return { state, isRefusal: exits.some(isRefusal), ...message }
    }).pipe(Effect.catch((cause) => {
      const error = new CloneError({ job: job?.name ?? "", side: "result", reason: describe(cause).message })
      return Effect.map(
        // One for all is so small that it needs no store.
        reply(job, [Exit.fail(error)], { ...measured, items: [] }),
        (message) => ({ ...message, isRefusal: cause._tag === "StoreFailed" })
      )
    }))

  const notFound = (job: string) =>
    new JobNotFound({
      job,
      module: `runner ${address}`,
      reason: `it runs ${
        [...byName.keys()].map((name) => `"${name}"`).join(", ") || "no jobs"
      }: give it to this runner's jobs`
    })

  /** Why this runner does not run a job that it knows. */
  const refusal = (job: Job.Any, { attempts, source }: JobTable.Started, workerId: number) => {
    const own = sourceOf(job)
    if (source !== null && own !== undefined && source !== own) {
      const reason = `it has another version of the job's module (${own}, the program ${source}): ` +
        "start the runners again from the program's own source"
      return new JobNotFound({ job: job.name, module: `runner ${address}`, reason })
    }
    if (attempts <= maxAttempts) return undefined
    const reason = `${maxAttempts} runners began it, and none of them was heard of again`
    return new WorkerDied({ job: job.name, workerId, exitCode: undefined, reason, attempt: maxAttempts })
  }

  const unmeasured = (workerId: number): Measured => ({
    runner: address,
    workerId,
    startedAt: now(),
    returnedAt: now(),
    runMs: 0,
    items: []
  })

  const freeWorkers = yield* Queue.unbounded<number>()
  yield* Queue.offerAll(
    freeWorkers,
    Array.from({ length: executor.maxWorkers }, (_, slot) => runner * workersPerRunner + slot)
  )

  /** A free worker takes the next job; it is free again when the job has run, and its result is on its way. */
  const work = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(Queue.take(freeWorkers)), (workerId) => {
      let isWaiting = true
      let isFree = false
      waiting++
      const begin = Effect.sync(() => {
        if (isWaiting) waiting--
        isWaiting = false
      })
      const free = Effect.sync(() => {
        if (!isFree) Queue.offerUnsafe(freeWorkers, workerId)
        isFree = true
      })
      return restore(table.take((ticket) => Effect.andThen(begin, handle(ticket, workerId, free)))).pipe(
        Effect.ensuring(begin),
        Effect.catchCause((cause) => Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.sleep("200 millis")),
        Effect.ensuring(free)
      )
    })
  ).pipe(Effect.repeat({ while: () => !isDraining }))
  const workers = yield* Effect.forEach(
    Array.from({ length: 2 * executor.maxWorkers }),
    () => Effect.forkScoped(work)
  )

  /** Stops what was cancelled, or has ended elsewhere, also where it waits or runs anew since. */
  const stopUnwanted = Effect.gen(function*() {
    const asked = [...running]
    if (asked.length === 0) return
    const wanted = yield* table.wanted(asked.map(({ ticket }) => ticket.id))
    for (const { attempts, cancelled, ticket } of asked) {
      const job = wanted.get(ticket.id)
      if (job?.submission !== ticket.submission) Deferred.doneUnsafe(cancelled, Effect.void)
      // It was not heard of for a while, and is not what the job has taken down.
      else if (job.attempts > attempts) yield* table.outlive(ticket, attempts)
    }
  })

  const ask = Effect.suspend(() => waiting > 0 ? table.ask : Effect.void)

  const listen = Effect.scoped(Effect.gen(function*() {
    const notifications = yield* table.listen(JobTable.runnersChannel)
    // For what came before it listened.
    yield* ask
    yield* stopUnwanted
    return yield* Effect.forever(Effect.gen(function*() {
      const payloads = new Set((yield* Queue.takeAll(notifications)).map(({ payload }) => payload))
      // What it tells can be late: the job may run for who asked for it anew.
      if ([...running].some(({ ticket }) => payloads.has(ticket.id))) yield* stopUnwanted
      if (payloads.has("")) yield* ask
    }))
  }))
  let older = Infinity
  const listenIfOld = Effect.suspend(() => older < maxListeners ? Effect.ignore(listen) : Effect.void)
  yield* Effect.forkScoped(Effect.repeat(listenIfOld, Schedule.spaced("200 millis")))

  /** Says that this runner is alive, and asks for what no notification told. */
  const beat = Effect.gen(function*() {
    older = yield* table.seeRunner(runner, self, yield* heldShards)
    yield* stopUnwanted
  })
  yield* Effect.forkScoped(Effect.repeat(persist(beat), Schedule.spaced("1 second")))

  return {
    /** Takes no more jobs, and returns when those that run have ended. */
    drain: Effect.suspend(() => {
      isDraining = true
      // A worker that waits for a job has none to end.
      const idle = running.size === 0 ? workers : []
      return Effect.andThen(
        Fiber.interruptAll(idle),
        Effect.repeat(Effect.sleep("20 millis"), { while: () => running.size > 0 })
      )
    })
  }
})

/** Where the worker has written the result, if it has. */
const referenceTo = ({ id, store }: Place, exit: Exit.Exit<unknown, unknown>): Reference | undefined =>
  Exit.isSuccess(exit) && exit.value instanceof StoredResult ? { store, id, ...exit.value.written } : undefined

/** With the number that the worker has in the cluster, as in a record; its runner alone knows it by another. */
const ofWorker = (error: unknown, workerId: number): unknown =>
  error instanceof WorkerDied
    ? new WorkerDied({ ...error, workerId })
    : error instanceof WorkerStartError
    ? new WorkerStartError({ ...error, workerId })
    : error

const isRefusal = (exit: Exit.Exit<unknown, unknown>) => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return error instanceof JobNotFound || error instanceof WorkerStartError
}
