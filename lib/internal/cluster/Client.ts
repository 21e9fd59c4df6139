/**
 * The executor of a program whose jobs run on a cluster.
 *
 * A job waits among its {@link RemoteTasks} until it has fewer than `maxWorkers` with the cluster. Then the `Submitter`
 * puts it into the cluster's queue, the `Collector` settles it when it has ended, and the `Canceller` when nobody waits for
 * it any more.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Tracer from "effect/Tracer"
import { type ExecuteOptions, Executor, JobObserver, type Settled, type Stats } from "../../Executor.ts"
import type * as Job from "../../Job.ts"
import type { ResultStore } from "../../ResultStore.ts"
import { published } from "../metrics.ts"
import { validateJobName, validateRun } from "../options.ts"
import { assertInputs, assertJob } from "../registry.ts"
import * as Canceller from "./Canceller.ts"
import * as Collector from "./Collector.ts"
import * as JobTable from "./JobTable.ts"
import * as Leftovers from "./Leftovers.ts"
import { naming } from "./names.ts"
import { persist, within } from "./persist.ts"
import { RemoteTasks } from "./RemoteTasks.ts"
import * as Submitter from "./Submitter.ts"

export interface Options {
  /** What the cluster calls this program. */
  readonly client: string
  /** As many as the cluster has workers where undefined. */
  readonly maxWorkers: number | undefined
  readonly run: string | undefined
  readonly retryFailed: boolean
}

/** How often the cluster is asked for what no notification told. */
const sweepInterval = "1 second"

export const make = Effect.fnUntraced(function*({ client, retryFailed, run, ...options }: Options) {
  const table = yield* JobTable.JobTable
  const runLater = yield* FiberSet.makeRuntime<ResultStore>()
  let clusterWorkers = yield* persist(table.workers)
  /** Whether jobs wait and no runner is up. */
  let isAlone = false

  const maxWorkers = () => options.maxWorkers ?? Math.max(1, clusterWorkers)

  /** Without a bound of one's own, the queue of the cluster holds enough that no worker waits for this program. */
  const room = () => options.maxWorkers ?? Math.max(1, 4 * clusterWorkers)

  const nameOf = naming(client, run)
  const tasks: RemoteTasks = new RemoteTasks(room, (task) => submitter.offer(task))
  const leftovers = yield* Leftovers.make
  const collector = yield* Collector.make({ tasks, leftovers, maxWorkers, runLater })
  const canceller = yield* Canceller.make({ client, tasks, collector, leftovers, runLater })
  const submitter = yield* Submitter.make({ client, retryFailed, tasks, collector, canceller })

  /** What no notification told. */
  const sweep = Effect.gen(function*() {
    yield* collector.sweep
    yield* leftovers.forget
    clusterWorkers = yield* table.workers
    yield* tellOfRunners
    tasks.dispatch()
  })

  /** Says so once, each time that the last runner is gone. */
  const tellOfRunners = Effect.suspend(() => {
    const wasAlone = isAlone
    isAlone = clusterWorkers === 0 && tasks.unsettled.size > 0
    return isAlone && !wasAlone ? Effect.logWarning("No runner of the cluster is up: jobs wait for one") : Effect.void
  })

  const listenAll = Effect.scoped(Effect.gen(function*() {
    const notifications = yield* table.listen(JobTable.clientChannel(client))
    yield* sweep
    return yield* Effect.forever(Effect.map(Queue.takeAll(notifications), (some) => {
      for (const { payload } of some) collector.hear(payload)
    }))
  })).pipe(Effect.ignore, Effect.repeat(Schedule.spaced("200 millis")))

  const sweepAll = Effect.ignore(sweep).pipe(Effect.repeat(Schedule.spaced(sweepInterval)))

  const execute = (job: Job.Any, inputs: ReadonlyArray<unknown>, runOptions: ExecuteOptions = {}) =>
    Effect.flatMap(
      validate(job, inputs, runOptions),
      ({ deadline, key, priority, retryWorkerDeath, untilFailure }) =>
        Effect.withFiber<Settled<unknown, unknown>>((fiber) =>
          Effect.callback((resume) => {
            if (tasks.isClosed) return resume(Effect.interrupt)
            const task = tasks.accept({
              name: (inputHash) => nameOf(key, job, inputHash),
              isKeyed: (key ?? run) !== undefined,
              job,
              inputs,
              priority,
              retryWorkerDeath,
              untilFailure,
              deadline,
              observer: fiber.getRef(JobObserver),
              trace: traceOf(fiber),
              resume
            })
            if (task.state === "settled") return
            task.onFinish.push(canceller.limit(task, "queued"))
            task.onFinish.push(canceller.limit(task, "total"))
            return canceller.cancel(task, Exit.interrupt())
          })
        )
    )

  const stats = yield* published(Effect.sync((): Stats => ({
    workers: Math.min(clusterWorkers, maxWorkers()),
    recycled: 0,
    ...tasks.stats(maxWorkers())
  })))

  yield* Effect.forkScoped(submitter.run)
  yield* Effect.forkScoped(collector.run)
  yield* Effect.forkScoped(canceller.run)
  yield* Effect.forkScoped(listenAll)
  yield* Effect.forkScoped(sweepAll)

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      tasks.isClosed = true
      return Effect.forEach(tasks.unsettled, (task) => canceller.cancel(task, Exit.interrupt()), {
        concurrency: "unbounded",
        discard: true
      }).pipe(
        // What is half submitted would run, and nobody would wait for it.
        Effect.andThen(within(submitter.pause, Canceller.stopTimeout)),
        Effect.andThen(Effect.ignore(within(leftovers.forgetAll, Canceller.stopTimeout)))
      )
    })
  )

  return Executor.of({
    get maxWorkers() {
      return maxWorkers()
    },
    execute: execute as Executor["Service"]["execute"],
    submit: (job, input, runOptions) =>
      Effect.forkDetach(Effect.flatMap(execute(job, [input], runOptions), ({ exits }) => exits[0]!), {
        startImmediately: true
      }) as never,
    stats: Effect.suspend(stats),
    drain: tasks.drain.wait
  })
})

const validate = (job: Job.Any, inputs: ReadonlyArray<unknown>, runOptions: ExecuteOptions) =>
  Effect.suspend(() => {
    assertJob(job)
    assertInputs(inputs)
    return Effect.andThen(validateJobName(job), validateRun(runOptions))
  })

/** The caller's span as its job's runner is told of it, if there is one. */
const traceOf = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined =>
  Option.getOrUndefined(Option.map(
    Context.getOption(fiber.context, Tracer.ParentSpan),
    ({ sampled, spanId, traceId }) => JSON.stringify({ traceId, spanId, sampled })
  ))
