/** Puts a program's tasks into the cluster, as many at a time as have left its own queue meanwhile. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Semaphore from "effect/Semaphore"
import type { Canceller } from "./Canceller.ts"
import type { Collector } from "./Collector.ts"
import * as JobTable from "./JobTable.ts"
import * as messages from "./messages.ts"
import { persist } from "./persist.ts"
import type { RemoteTask } from "./RemoteTask.ts"
import type { RemoteTasks } from "./RemoteTasks.ts"
import { sourceOf } from "./source.ts"
import * as values from "./values.ts"

export interface Options {
  readonly client: string
  readonly retryFailed: boolean
  readonly tasks: RemoteTasks
  readonly collector: Collector
  readonly canceller: Canceller
}

/** The most jobs, and bytes of their inputs, that go into the cluster in one transaction. */
const batch = { jobs: 200, bytes: 8_000_000 }

export const make = Effect.fnUntraced(function*({ canceller, client, collector, retryFailed, tasks }: Options) {
  const table = yield* JobTable.JobTable
  const leaving = yield* Queue.unbounded<RemoteTask>()
  const submitting = Semaphore.makeUnsafe(1)

  const submit = Effect.fnUntraced(
    function*(chosen: ReadonlyArray<RemoteTask>) {
      const submissions = (yield* Effect.forEach(tasks.join(chosen), prepare)).flat()
      if (!Arr.isArrayNonEmpty(submissions)) return
      const rows = yield* persist(table.submit(submissions, client, retryFailed))
      yield* Effect.ignore(table.announce)
      const byName = new Map(submissions.map((submission) => [submission.id, submission]))
      yield* Effect.forEach(rows, (found) => onSubmitted(byName.get(found.id)!, found), { discard: true })
    },
    (effect, chosen) =>
      Effect.catchDefect(effect, (defect) => Effect.sync(() => tasks.endAll(chosen, Exit.die(defect))))
  )

  /** Stores the inputs of a job, and tells what is submitted; none where they cannot be, and then its tasks have ended. */
  const prepare = Effect.fnUntraced(function*({ name }: RemoteTask) {
    // The first that wanted it may have ended while the inputs of others were stored, and has none any more.
    const [task] = tasks.of(name)
    if (task === undefined) return []
    const { deadline, isKeyed, retryWorkerDeath, trace, untilFailure } = task.options
    const stored = yield* Effect.exit(messages.store(() => task.pieces))
    if (Exit.isFailure(stored)) {
      tasks.endAll(tasks.of(name), Exit.fail(values.inputError(task.job, Cause.squash(stored.cause))))
      return []
    }
    const submission: JobTable.Submission = {
      id: name,
      keyed: isKeyed,
      job: task.job.name,
      source: sourceOf(task.job),
      items: task.items,
      input: stored.value.bytes,
      inputReference: stored.value.reference,
      inputHash: task.inputHash,
      options: JSON.stringify({
        retryWorkerDeath,
        observed: task.isObserved,
        // What stands under a key is whole, for others may ask for it.
        untilFailure: untilFailure && !isKeyed,
        ...(deadline?.running && { runningMs: Duration.toMillis(deadline.running) })
      }),
      trace
    }
    return [submission]
  })

  const onSubmitted = Effect.fnUntraced(function*(own: JobTable.Submission, found: JobTable.Submitted) {
    const { id, inputHash, inputReference, job, replaced, state } = found
    yield* Effect.forEach(replaced ?? [], messages.discard, { discard: true })
    // It was there, with the inputs that it had then.
    if (inputReference !== (own.inputReference ?? null)) yield* messages.discard(own.inputReference)
    for (const task of tasks.of(id)) {
      task.inputReference = inputReference
      task.state = "sent"
      task.isJoined ||= state === "running"
      if (!tasks.refuse(task, job, inputHash) && state !== "waiting" && state !== "running") {
        // Without a key it is there because this program lost its connection after it had submitted it.
        task.isTakenOver = task.options.isKeyed
        collector.ask(id)
      }
    }
    // Nobody waits for it any more, unless it is another's that has this key.
    if (!tasks.has(id) && own.job === job && own.inputHash === inputHash) {
      yield* canceller.cancelUnwanted(id, inputReference)
    }
  })

  return {
    offer: (task: RemoteTask) => void Queue.offerUnsafe(leaving, task),

    /** Submits what was offered. */
    run: Queue.takeAll(leaving).pipe(
      Effect.flatMap((chosen) =>
        Effect.forEach(batches(chosen), (some) => submitting.withPermit(submit(some)), { discard: true })
      ),
      Effect.forever
    ),

    /** Returns when nothing is half submitted. */
    pause: submitting.withPermit(Effect.void)
  }
})

/** So few tasks at a time that a message to the server takes them. */
const batches = (all: ReadonlyArray<RemoteTask>): Array<Array<RemoteTask>> => {
  const some: Array<Array<RemoteTask>> = []
  let bytes = Infinity
  for (const task of all) {
    const size = task.pieces.reduce((sum, piece) => sum + piece.length, 0)
    if (bytes + size > batch.bytes || some.at(-1)!.length === batch.jobs) {
      some.push([])
      bytes = 0
    }
    bytes += size
    some.at(-1)!.push(task)
  }
  return some
}
