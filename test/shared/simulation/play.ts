/** Plays a schedule on a real pool, and tells what the pool did that no pool may do. */
import { Cause, Clock, Duration, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as WorkerPool from "../../../lib/internal/WorkerPool.ts"
import { Executor, ExecutorError } from "../../../lib/mod.ts"
import type { ExecutePlan, PoolPlan, Schedule, Step } from "./schedule.ts"
import * as Simulation from "./Simulation.ts"
import { Submission } from "./Submission.ts"
import { Turns } from "./Turns.ts"

/** Longer than the jobs of any schedule take. */
const enough = Duration.minutes(2)

/** Long enough to see what goes on where nothing should. */
const quiet = Duration.seconds(20)

/** The violations, in order. */
export const play = (schedule: Schedule): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const simulation = yield* Simulation.make(schedule)
    const clock = countingClock(yield* Clock.Clock)
    const scope = yield* Scope.make()
    const opening = yield* Effect.forkChild(
      WorkerPool.make(optionsOf(schedule.pool, simulation), simulation.host).pipe(
        Effect.provide(simulation.layer),
        Effect.provideService(Clock.Clock, clock),
        Scope.provide(scope)
      ),
      { startImmediately: true }
    )
    yield* TestClock.adjust("1 second")
    const opened = opening.pollUnsafe()
    if (opened === undefined) simulation.violation("the executor does not open")
    else if (Exit.isSuccess(opened)) yield* use(opened.value, scope, schedule, simulation, clock.sleepers)
    else yield* close(scope, simulation)
    if (clock.sleepers() > 0) simulation.violation(`${clock.sleepers()} timers are left`)
    return simulation.violations
  }).pipe(Effect.provide(TestClock.layer()))

interface Caller {
  readonly fiber: Fiber.Fiber<unknown>
  readonly submissions: Array<Submission>
  isInterrupted: boolean
}

const use = Effect.fnUntraced(function*(
  executor: Executor.Executor["Service"],
  scope: Scope.Closeable,
  schedule: Schedule,
  simulation: Simulation.Simulation,
  timers: () => number
) {
  const { drains, pool, steps } = schedule
  const turns = new Turns(simulation.violation)
  const callers: Array<Caller> = []
  const drainings: Array<Fiber.Fiber<void>> = []
  let labels = 0

  const submissions = () => callers.flatMap(({ submissions }) => submissions)

  const handOver = Effect.fnUntraced(function*(inputs: Submission["inputs"], plan: ExecutePlan) {
    if (!plan.isSubmitted || inputs.length !== 1) return yield* executor.execute(simulation.job, inputs, plan)
    const fiber = yield* executor.submit(simulation.job, inputs[0]!, plan)
    const exit = yield* Fiber.await(fiber).pipe(Effect.onInterrupt(() => Fiber.interrupt(fiber)))
    return { exits: [exit], giveBack: () => {} }
  })

  const execute = Effect.fnUntraced(function*(plan: ExecutePlan, caller: Pick<Caller, "submissions">) {
    const failedStarts = new Set<number>()
    for (let n = 0; n <= plan.insists; n++) {
      const submission = new Submission(plan, labels, simulation, turns)
      labels += plan.items.length
      caller.submissions.push(submission)
      const { exits, giveBack } = yield* handOver(submission.inputs, plan).pipe(
        Effect.provideService(Executor.JobObserver, plan.isObserved ? submission.observe : undefined),
        Effect.onInterrupt(() => Effect.sync(() => submission.ended())),
        Effect.orDie
      )
      submission.returned(exits)
      giveBack()
      const failedStart = exits.map(failedStartIn).find((workerId) => workerId !== undefined)
      if (failedStart === undefined) return
      if (failedStarts.has(failedStart)) simulation.violation(`worker ${failedStart} failed one caller twice`)
      failedStarts.add(failedStart)
    }
  })

  const drain = Effect.gen(function*() {
    const accepted = submissions().filter(({ isObserved }) => isObserved)
    yield* executor.drain
    if (!accepted.every(({ isSettled }) => isSettled)) simulation.violation("drained before all had settled")
  })

  const take = Effect.fnUntraced(function*(step: Step) {
    switch (step._tag) {
      case "Wait":
        return yield* TestClock.adjust(step.ms)
      case "Execute": {
        const submissions: Array<Submission> = []
        const fiber = yield* Effect.forkChild(execute(step, { submissions }), { startImmediately: true })
        return void callers.push({ fiber, submissions, isInterrupted: false })
      }
      case "Interrupt": {
        const caller = callers[step.task % callers.length]
        if (caller === undefined) return
        caller.submissions.forEach((submission) => submission.withdraw())
        caller.isInterrupted = true
        return caller.fiber.interruptUnsafe()
      }
      case "Kill": {
        const alive = simulation.alive()
        return alive[step.worker % alive.length]?.die()
      }
      case "Drain":
        return void drainings.push(yield* Effect.forkChild(drain, { startImmediately: true }))
    }
  })

  const inspect = Effect.gen(function*() {
    const { busy, queued, workers } = yield* executor.stats
    const ready = simulation.workers.filter((worker) =>
      worker.isReady && worker.jobs < (pool.maxJobsPerWorker ?? Infinity)
    ).length
    if (workers > pool.maxWorkers) simulation.violation(`${workers} workers`)
    if (busy > workers || queued < 0) simulation.violation(`${busy} busy of ${workers} workers, ${queued} queued`)
    const unsettled = submissions().filter(({ isSettled }) => !isSettled).length
    if (timers() > 3 * unsettled + simulation.workers.length + 1) simulation.violation(`${timers()} timers run`)
    const mayWait = submissions().some((submission) => submission.mayWait)
    if (queued > 0 && ready > 0 && !mayWait && simulation.alive().length - ready < pool.maxWorkers) {
      simulation.violation(`${queued} jobs wait while ${ready} workers are ready`)
    }
  })

  const expectReturned = () => {
    for (const draining of drainings) {
      if (draining.pollUnsafe() === undefined) simulation.violation("drain does not return")
    }
    for (const [n, { fiber, isInterrupted }] of callers.entries()) {
      const exit = fiber.pollUnsafe()
      if (exit === undefined) simulation.violation(`caller ${n} does not return`)
      else if (Exit.isFailure(exit) && !(Cause.hasInterruptsOnly(exit.cause) && (isInterrupted || !drains))) {
        simulation.violation(`caller ${n}: ${Cause.pretty(exit.cause)}`)
      }
    }
  }

  for (const step of steps) {
    yield* take(step)
    // What the executor does in the same turn of the event loop is done.
    yield* Effect.yieldNow
    yield* inspect
  }

  if (drains) {
    drainings.push(yield* Effect.forkChild(drain, { startImmediately: true }))
    yield* TestClock.adjust(enough)
    yield* inspect
    expectReturned()
    const started = simulation.workers.length
    yield* TestClock.adjust(quiet)
    const startedIdle = simulation.workers.length - started
    if (startedIdle > idleStarts(schedule)) simulation.violation(`${startedIdle} workers were started for no job`)
  }
  submissions().forEach((submission) => submission.withdraw())
  yield* close(scope, simulation)

  expectReturned()
  const { busy, failed, finished, queued, workers } = yield* executor.stats
  const statuses = submissions().flatMap((submission) => submission.statuses)
  const succeeded = statuses.filter((status) => status === "succeeded").length
  const isKnown = submissions().every(({ isKnown }) => isKnown)
  if (workers + busy + queued > 0) simulation.violation(`at the end ${workers} workers, ${busy} busy, ${queued} queued`)
  if (isKnown && (finished !== succeeded || finished + failed !== statuses.length)) {
    simulation.violation(`${finished} finished and ${failed} failed of ${statuses.length}, ${succeeded} succeeded`)
  }
})

/** How many workers may start in `quiet` time: each place is filled once, or tried each second. */
const idleStarts = ({ othersStart, pool, workers }: Schedule) => {
  const places = 2 * pool.maxWorkers + 1
  return workers.length + places * (othersStart === "works" ? 1 : Duration.toSeconds(quiet))
}

const close = Effect.fnUntraced(function*(scope: Scope.Closeable, simulation: Simulation.Simulation) {
  simulation.closes()
  const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
  yield* TestClock.adjust(quiet)
  if (closing.pollUnsafe() === undefined) simulation.violation("the executor does not close")
  const left = simulation.alive().length
  if (left > 0) simulation.violation(`${left} workers are left`)
})

const optionsOf = (plan: PoolPlan, { setup }: Simulation.Simulation): WorkerPool.Options => ({
  maxWorkers: plan.maxWorkers,
  minWorkers: plan.minWorkers,
  maxJobsPerWorker: plan.maxJobsPerWorker ?? Infinity,
  idleTimeToLive: plan.idleTimeToLive === null ? Duration.infinity : Duration.millis(plan.idleTimeToLive),
  cancelGrace: plan.patient ? Duration.infinity : Duration.zero,
  setup: plan.hasSetup ? setup : undefined
})

/** The worker that could not be started, if it was for that. */
const failedStartIn = (exit: Exit.Exit<unknown, unknown>): number | undefined => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return error instanceof ExecutorError.WorkerStartError ? error.workerId : undefined
}

/** A clock that knows how many sleep by it. */
const countingClock = (clock: Clock.Clock) => {
  let sleepers = 0
  return {
    ...clock,
    sleep: (duration: Duration.Duration) =>
      Effect.acquireUseRelease(
        Effect.sync(() => sleepers++),
        () => clock.sleep(duration),
        () => Effect.sync(() => sleepers--)
      ),
    sleepers: () => sleepers
  }
}
