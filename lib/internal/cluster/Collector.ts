/**
 * Hears what becomes of the jobs that the cluster has, and settles the tasks of those that have ended.
 *
 * It is told by notifications. Where one is lost, for the connection was, it finds out when it sweeps.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import { ResultLost } from "../../ExecutorError.ts"
import type { ResultStore } from "../../ResultStore.ts"
import { reasonFor } from "../errorCodec.ts"
import { SpareBuffers } from "../SpareBuffers.ts"
import * as JobTable from "./JobTable.ts"
import type { Leftovers } from "./Leftovers.ts"
import * as messages from "./messages.ts"
import { persist } from "./persist.ts"
import type { Measured, RemoteTask } from "./RemoteTask.ts"
import type { RemoteTasks } from "./RemoteTasks.ts"
import * as values from "./values.ts"

export interface Options {
  readonly tasks: RemoteTasks
  readonly leftovers: Leftovers
  readonly maxWorkers: () => number
  readonly runLater: (effect: Effect.Effect<void, never, ResultStore>) => void
}

export type Collector = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function*({ leftovers, maxWorkers, runLater, tasks }: Options) {
  const table = yield* JobTable.JobTable
  const ended = yield* Queue.unbounded<string>()
  /** The names of jobs whose results are being read. */
  const loading = new Set<string>()
  const spareBuffers = new SpareBuffers(maxWorkers)

  /** Has a job collected if it has ended. */
  const ask = (name: string) => void Queue.offerUnsafe(ended, name)

  /** Settles the tasks of the jobs that have ended. */
  const collect = Effect.fnUntraced(
    function*(names: ReadonlyArray<string>) {
      const wanted = [...new Set(names)].filter((name) => tasks.has(name) && !loading.has(name))
      for (const some of Arr.chunksOf(wanted, JobTable.namesAtOnce)) {
        for (const row of yield* persist(table.ended(some))) {
          // By another who asked at the same time.
          if (loading.has(row.id)) continue
          // That was for who asked before: it is being submitted anew.
          if (row.state !== "done" && tasks.of(row.id)[0]?.state === "submitting") continue
          if (row.state === "cancelled") {
            for (const task of tasks.of(row.id)) {
              // Another program cancelled what this one still wants; who cancelled it here waits for its worker.
              if (task.verdict === undefined && !task.isExpiring) tasks.submitAgain(task)
            }
          } else {
            loading.add(row.id)
            runLater(Effect.ensuring(receive(row), Effect.sync(() => loading.delete(row.id))))
          }
        }
      }
    },
    (effect, names) =>
      Effect.catchDefect(
        effect,
        (defect) => Effect.sync(() => names.forEach((name) => tasks.endAll(tasks.of(name), Exit.die(defect))))
      )
  )

  const receive = (row: JobTable.Ended) => {
    const receivers = tasks.of(row.id)
    // Also where the program ends meanwhile.
    return Effect.ensuring(
      hand(row, receivers),
      leftovers.letGo(row.id, row.replyReference, ...receivers.map(({ inputReference }) => inputReference))
    )
  }

  const hand = Effect.fnUntraced(function*(row: JobTable.Ended, receivers: ReadonlyArray<RemoteTask>) {
    for (const task of receivers) {
      // Each has its own, to change or to give back.
      const loaded = yield* Effect.exit(messages.load({
        bytes: row.reply,
        reference: row.replyReference,
        spares: spareBuffers.take(task.job)
      }))
      if (task.state === "settled") continue
      if (Exit.isFailure(loaded)) {
        yield* Effect.ignore(table.lose(row))
        const reason = reasonFor(Cause.squash(loaded.cause))
        tasks.end(task, Exit.fail(new ResultLost({ job: task.job.name, reason })))
        continue
      }
      const [measured, ...sentExits] = loaded.value.values as [Measured, ...Array<unknown>]
      const exits = sentExits.map((sentExit) => values.readExit(task.job, sentExit))
      tasks.replied(task, exits, measured, () => spareBuffers.put(task.job, loaded.value.buffers))
    }
  })

  return {
    ask,

    /** Collects what was asked for. */
    run: Queue.takeAll(ended).pipe(Effect.flatMap(collect), Effect.forever),

    hear: (notification: string) => {
      const news = newsIn(notification)
      if (news === undefined) return
      if (news._tag === "Started") return tasks.started(news.id, news)
      if (news._tag === "Ended") return ask(news.id)
      for (const task of tasks.of(news.id)) task.wasStopped(news)
    },

    /** Finds out what no notification told. */
    sweep: Effect.gen(function*() {
      const { sent } = tasks
      yield* collect(sent)
      for (const some of Arr.chunksOf(sent, JobTable.namesAtOnce)) {
        const known = yield* table.states(some)
        const gone = some.filter((name) => !known.has(name) && !loading.has(name))
        for (const task of gone.flatMap((name) => tasks.of(name))) tasks.end(task, tooOld(task))
        for (const job of known.values()) if (job.state === "running") tasks.started(job.id, job)
      }
    })
  }
})

/** None where it is of a runner of another version, and then the sweep finds out. */
const newsIn = (notification: string): JobTable.News | undefined => {
  try {
    return JSON.parse(notification)
  } catch {
    return undefined
  }
}

const tooOld = ({ job }: RemoteTask) =>
  Exit.fail(new ResultLost({ job: job.name, reason: "it ended, and was removed before it was read" }))
