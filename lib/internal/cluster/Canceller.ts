/** Ends what nobody waits for any more: tasks that are interrupted or pass a limit, and their jobs in the cluster. */
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import { DeadlineExceeded } from "../../ExecutorError.ts"
import type { ResultStore } from "../../ResultStore.ts"
import { withoutFrames } from "../errorCodec.ts"
import type { Collector } from "./Collector.ts"
import * as JobTable from "./JobTable.ts"
import type { Leftovers } from "./Leftovers.ts"
import { persist, within } from "./persist.ts"
import type { RemoteTask } from "./RemoteTask.ts"
import type { RemoteTasks } from "./RemoteTasks.ts"

export interface Options {
  readonly client: string
  readonly tasks: RemoteTasks
  readonly collector: Collector
  readonly leftovers: Leftovers
  readonly runLater: (effect: Effect.Effect<void, never, ResultStore>) => Fiber.Fiber<void>
}

/** A job that nobody waits for any more. */
interface Cancellation {
  readonly name: string
  readonly told: Deferred.Deferred<JobTable.Left | undefined>
}

/** How long an interruption waits for the word that the job has stopped; its runner may be dead. */
export const stopTimeout = Duration.seconds(3)

export type Canceller = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function*({ client, collector, leftovers, runLater, tasks }: Options) {
  const table = yield* JobTable.JobTable
  const cancelling = yield* Queue.unbounded<Cancellation>()

  /** Settles a task as `verdict` says and returns when no worker is busy with it, as far as can be told. */
  const cancel = (task: RemoteTask, verdict: Exit.Exit<never, unknown>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const isLeft = tasks.isShared(task)
      const isInterrupted = Exit.hasInterrupts(verdict)
      if (task.state !== "sent" || isLeft && isInterrupted) return Effect.sync(() => tasks.end(task, verdict))
      const isBeingCancelled = task.verdict !== undefined
      task.verdict ??= verdict
      const stopped = Deferred.makeUnsafe<void>()
      task.onStopped.push(() => Deferred.doneUnsafe(stopped, Effect.void))
      const left = isBeingCancelled ? Effect.undefined : isLeft ? stateOf(task) : cancelJob(task.name)
      const stop = Effect.flatMap(left, (state) => {
        task.isCancelled = state !== undefined
        // Where it ended in time for its deadline, its result is on its way.
        const isAwaited = !task.isCancelled && !isInterrupted
        if (isAwaited) collector.ask(task.name)
        return isAwaited || !isLeft && state === "running" ? Deferred.await(stopped) : Effect.void
      })
      const ended = isBeingCancelled ? Deferred.await(stopped) : stop
      return Effect.andThen(within(ended, stopTimeout), Effect.sync(() => abandon(task, verdict, left)))
    })

  /** Ends a task that has not begun. */
  const expire = (task: RemoteTask, verdict: Exit.Exit<never, unknown>) =>
    Effect.gen(function*() {
      if (task.startedAt !== undefined) return
      if (task.state !== "sent") return tasks.end(task, verdict)
      if (tasks.isShared(task) && (yield* stateOf(task)) !== "waiting") return
      if (tasks.isShared(task)) return tasks.end(task, verdict)
      task.isExpiring = true
      // It can have been cancelled by this, and nobody heard of it.
      const cancelled = yield* persist(table.leave([task.name], client, ["waiting", "cancelled"]))
      task.isExpiring = false
      if (cancelled.size > 0) abandon(task, verdict, Effect.void)
    })

  /** Ends a task when the time of that clock is over, unless that is called off. */
  const limit = (task: RemoteTask, clock: "queued" | "total"): () => void => {
    const duration = task.options.deadline?.[clock]
    if (duration === undefined) return () => {}
    const exceeded = () => new DeadlineExceeded({ job: task.job.name, clock, limitMs: Duration.toMillis(duration) })
    const timer = runLater(Effect.delay(
      Effect.suspend(() => (clock === "total" ? cancel : expire)(task, Exit.fail(withoutFrames(exceeded)))),
      duration
    ))
    return () => timer.interruptUnsafe()
  }

  /** Ends a task with what nobody can ask for again, to be let go of once its job is `left`: until then it can end. */
  const abandon = (task: RemoteTask, verdict: Exit.Exit<never, unknown>, left: Effect.Effect<unknown>) => {
    if (task.state === "settled") return
    tasks.end(task, verdict)
    const letGoOf = task.isCancelled ? leftovers.letGo : leftovers.letGoCancelled
    runLater(Effect.andThen(left, Effect.uninterruptible(letGoOf(task.name, task.inputReference))))
  }

  /** The state of a task's job that has not ended. */
  const stateOf = ({ name }: RemoteTask) =>
    Effect.map(persist(table.states([name])), (states) => {
      const state = states.get(name)?.state
      return state === "waiting" || state === "running" ? state : undefined
    })

  /** Cancels a job, unless other programs want it, and tells what it was if it had not ended. */
  const cancelJob = (name: string) => {
    const told = Deferred.makeUnsafe<JobTable.Left | undefined>()
    Queue.offerUnsafe(cancelling, { name, told })
    return Deferred.await(told)
  }

  /** Those of one moment together: one by one, many would take longer than a program has to end. */
  const cancelAll = Queue.takeAll(cancelling).pipe(
    Effect.map((chosen) => {
      for (const some of Arr.chunksOf(chosen, JobTable.namesAtOnce)) {
        const leave = Effect.suspend(() => {
          // Until the database does it, some can be asked for anew.
          const unwanted = some.map(({ name }) => name).filter((name) => !tasks.isWanted(name))
          return table.leave(unwanted, client, ["waiting", "running"])
        })
        const cancelled = Effect.exit(persist(leave))
        runLater(Effect.map(cancelled, (exit) => {
          for (const { name, told } of some) Deferred.doneUnsafe(told, Exit.map(exit, (states) => states.get(name)))
        }))
      }
    }),
    Effect.forever
  )

  return {
    cancel,
    limit,
    /** Cancels a job that was submitted for tasks which have all settled meanwhile. */
    cancelUnwanted: (name: string, inputReference: string | null) =>
      Effect.andThen(cancelJob(name), leftovers.letGoCancelled(name, inputReference)),
    run: cancelAll
  }
})
