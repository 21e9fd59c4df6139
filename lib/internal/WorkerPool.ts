/**
 * The executor that every back end with workers is made of: accepts jobs, and sees to it that each settles in time, when
 * it is interrupted and when the executor closes.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Spawner, WorkerPlatform } from "effect/workers/Worker"
import { type ExecuteOptions, Executor, JobObserver, type RunOptions, type Settled, type Stats } from "../Executor.ts"
import { DeadlineExceeded, type InvalidOptions, type WorkerStartError } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import * as Dispatcher from "./Dispatcher.ts"
import * as Drain from "./Drain.ts"
import { replay } from "./effectJob.ts"
import { withoutFrames } from "./errorCodec.ts"
import type * as Fleet from "./Fleet.ts"
import { handOver } from "./handOver.ts"
import { newJobIds } from "./jobEvents.ts"
import { published } from "./metrics.ts"
import { validateRun } from "./options.ts"
import { Pace } from "./Pace.ts"
import { assertInputs, assertJob } from "./registry.ts"
import { ValuesAsSent } from "./StoredResult.ts"
import { type Caller, nothingToGiveBack, type Recipient, Task } from "./Task.ts"

export interface Options extends Fleet.Options {
  readonly cancelGrace: Duration.Duration
}

export const make = Effect.fnUntraced(function*(
  options: Options,
  host: Fleet.Host
): Effect.fn.Return<Executor["Service"], WorkerStartError, WorkerPlatform | Spawner | Scope.Scope> {
  const runLater = yield* FiberSet.makeRuntime<never>()

  const paces = new WeakMap<Job.Any, Pace>()
  const counts = { accepted: 0, finished: 0, failed: 0 }
  /** The caller of the latest job, as long as there are jobs: most have the same context. */
  let latest: { readonly context: Context.Context<never>; readonly caller: Caller } | undefined
  let isClosed = false

  const isIdle = () => counts.accepted === counts.finished + counts.failed
  const drain = Drain.make(isIdle)

  const dispatcher = yield* Dispatcher.make(options, host, {
    begun: (task) => {
      task.onReleased ??= limit(task, "running")
    },
    finished: () => {
      if (isIdle()) latest = undefined
      drain.check()
    }
  })
  const { fleet } = dispatcher

  /**
   * Settles a task as `verdict` says and returns when no worker is busy with it. Items that no worker has begun are taken
   * back; one that runs is asked to stop, and after the grace its worker is stopped.
   */
  const cancel = (task: Task, verdict: Exit.Exit<never, unknown>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (task.isSettled) return Effect.void
      task.cancel(verdict)
      const busy = dispatcher.withdraw(task)
      if (busy.length === 0) return Effect.void
      fleet.keepSpare()
      const finished = Effect.callback<void>((resume) => task.whenFinished(() => handOver(resume, Effect.void)))
      const stopBusy = Effect.suspend(() =>
        Effect.forEach(dispatcher.withdraw(task).filter((worker) => !hasGoneOn(worker, task)), fleet.stop, {
          concurrency: "unbounded",
          discard: true
        })
      ).pipe(Effect.andThen(Effect.suspend(() => task.hasFinished ? Effect.void : finished)))
      return finished.pipe(
        Effect.timeoutOrElse({
          duration: options.cancelGrace,
          // Where the event loop was busy, that it has stopped in time is heard of only now.
          orElse: () => Effect.andThen(Effect.yieldNow, stopBusy)
        }),
        // A job runs in real time, whatever clock its caller has.
        Effect.provideService(Clock.Clock, host.clock)
      )
    })

  /** Cancels the task when the time is over; returns what calls that off. */
  const limit = (task: Task, clock: DeadlineExceeded["clock"]): () => void => {
    const duration = task.deadline?.[clock]
    if (duration === undefined || task.isSettled) return () => {}
    const exceeded = () => new DeadlineExceeded({ job: task.job.name, clock, limitMs: Duration.toMillis(duration) })
    const pass = Effect.suspend(() =>
      clock === "queued" && task.hasStarted ? Effect.void : cancel(task, Exit.fail(withoutFrames(exceeded)))
    )
    // Where the event loop was busy, that it has ended in time is heard of only now.
    const timer = runLater(Effect.delay(clock === "queued" ? pass : Effect.andThen(Effect.yieldNow, pass), duration))
    return () => timer.interruptUnsafe()
  }

  const paceOf = (job: Job.Any): Pace => {
    const known = paces.get(job)
    if (known !== undefined) return known
    assertJob(job)
    const pace = new Pace()
    paces.set(job, pace)
    return pace
  }

  const callerOf = (context: Context.Context<never>): Caller => {
    if (latest?.context !== context) latest = { context, caller: callerIn(context, onItemSettled) }
    return latest.caller
  }

  const onItemSettled = (exit: Exit.Exit<unknown, unknown>) => {
    counts[Exit.isSuccess(exit) ? "finished" : "failed"]++
  }

  /** Takes the inputs on, if they can be; whoever waits for them is told of their end by `resume`. */
  const accept = (
    job: Job.Any,
    inputs: ReadonlyArray<unknown>,
    runOptions: ValidRunOptions,
    recipient: Recipient,
    resume: (effect: Effect.Effect<unknown, unknown>) => void
  ): Task | undefined => {
    if (isClosed) return void resume(Effect.interrupt)
    const pace = paceOf(job)
    const refusal = host.refusal(job)
    if (refusal !== undefined) {
      return void resume(recipient.receive(settledAs(inputs.map(() => Exit.fail(refusal)))))
    }
    if (inputs.length === 0) return void resume(recipient.receive(settledAs([])))
    const task = new Task(
      newJobIds(inputs.length),
      job,
      pace,
      inputs,
      // Nothing moves to another process, so that it can be sent again.
      host.sharesMemory ? runOptions : { ...runOptions, transfer: [] },
      callerOf(Fiber.getCurrent()!.context),
      recipient,
      resume
    )
    counts.accepted += inputs.length
    dispatcher.accept(task)
    // After all else, and one after the other: a limit of 0 is passed at once.
    if (task.deadline !== undefined) {
      task.whenFinished(limit(task, "queued"))
      task.whenFinished(limit(task, "total"))
    }
    return task
  }

  const execute = (job: Job.Any, inputs: ReadonlyArray<unknown>, runOptions?: ExecuteOptions) =>
    withValid(runOptions, (valid) =>
      Effect.callback<unknown, unknown>((resume) => {
        assertInputs(inputs)
        const recipient = valid.untilFailure ? executingUntilFailure : executing
        // Their array is the caller's, who may change it while they wait.
        const task = accept(job, inputs.slice(), valid, recipient, resume)
        return task && cancel(task, interrupted)
      }))

  const executingUntilFailure: Recipient = {
    ...executing,
    // Later, for it takes from workers what is being settled.
    onFailure: (task) => void runLater(Effect.andThen(Effect.yieldNow, cancel(task, interrupted)))
  }

  /** What waits takes little: there is nothing to clean up when its fiber is interrupted, but to take it from the queue. */
  const submit = (job: Job.Any, input: unknown, runOptions?: RunOptions) =>
    Effect.forkDetach(
      withValid(runOptions, (valid) =>
        Effect.callback<unknown, unknown>((resume) => {
          const task = accept(job, [input], valid, submitting, resume)
          if (task?.isAway === false) Fiber.getCurrent()!.addObserver(dropping(task))
        })),
      { startImmediately: true }
    )

  const dropping = (task: Task) => () => {
    if (task.isSettled) return
    task.cancel(interrupted)
    dispatcher.withdraw(task)
  }

  const submitting: Recipient = {
    receive: ({ exits }) => exits[0]!,
    onTaken: (task) =>
      Effect.callback((resume) => {
        task.resumeWith(resume)
        return cancel(task, interrupted)
      })
  }

  // Before what stops the workers, so that the last figures are of none.
  const stats = yield* published(Effect.sync((): Stats => ({
    workers: fleet.workers.size,
    busy: fleet.inState("busy"),
    finished: counts.finished,
    failed: counts.failed,
    ...fleet.counts,
    ...dispatcher.stats()
  })))

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      fleet.startNoMore()
      // Before anybody is told of an end, who may at once have others come back to the queue.
      const away = dispatcher.tasksAway()
      dispatcher.endQueued(interrupted)
      const cancelled = Effect.forEach(away, (task) => cancel(task, interrupted), {
        concurrency: "unbounded",
        discard: true
      })
      return Effect.andThen(cancelled, fleet.stopAll)
    })
  )

  fleet.grow(0)
  yield* fleet.started

  return Executor.of({
    maxWorkers: options.maxWorkers,
    execute: execute as Executor["Service"]["execute"],
    submit: submit as Executor["Service"]["submit"],
    stats: Effect.suspend(stats),
    drain: drain.wait
  })
})

type ValidRunOptions = Effect.Success<ReturnType<typeof validateRun>>

/** What has settled without having been accepted. */
const settledAs = (exits: Settled<unknown, unknown>["exits"]): Settled<unknown, unknown> => ({
  exits,
  runMs: 0,
  giveBack: nothingToGiveBack
})

const callerIn = (context: Context.Context<never>, onSettled: Caller["onSettled"]): Caller => {
  const span = Context.getOrUndefined(context, Tracer.ParentSpan)
  return {
    onSettled,
    observer: Context.get(context, JobObserver),
    trace: span && ((spans) => replay(Context.get(context, Tracer.Tracer), span, spans)),
    asSent: Context.get(context, ValuesAsSent)
  }
}

const interrupted = Exit.interrupt()

/** Whether the worker has begun another task since, so that what it replied to this one is on the way. */
const hasGoneOn = ({ line, slots }: Fleet.Worker, task: Task): boolean => {
  const latest = line.items().findLast(({ number }) => slots?.isClaimed(number) === true)
  return latest !== undefined && latest.task !== task
}

const executing: Recipient = { receive: Effect.succeed }

const defaultRunOptions = Effect.runSync(validateRun({}))

const withValid = <A, E>(
  runOptions: ExecuteOptions | undefined,
  f: (valid: ValidRunOptions) => Effect.Effect<A, E>
): Effect.Effect<A, E | InvalidOptions> =>
  runOptions === undefined ? f(defaultRunOptions) : Effect.flatMap(validateRun(runOptions), f)
