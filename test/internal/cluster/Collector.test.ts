import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Stream } from "effect"
import * as Collector from "../../../lib/internal/cluster/Collector.ts"
import { type Ended, JobTable, type Known, namesAtOnce } from "../../../lib/internal/cluster/JobTable.ts"
import type { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { RemoteTasks } from "../../../lib/internal/cluster/RemoteTasks.ts"
import * as wire from "../../../lib/internal/cluster/wire.ts"
import { ResultStore } from "../../../lib/mod.ts"
import { accept, done, send, worker } from "../../shared/remoteTasks.ts"
import { until } from "../../shared/until.ts"

const cancelled = (id: string) => ({ id, state: "cancelled", worker: null, reply: null, replyReference: null })

/** A program whose jobs are with a cluster that knows so much of them, and what is let go of. */
const make = Effect.fnUntraced(function*(
  { ended = () => Effect.succeed([]), known = () => [] }: {
    readonly ended?: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Ended>>
    readonly known?: (ids: ReadonlyArray<string>) => ReadonlyArray<Known>
  }
) {
  const tasks = new RemoteTasks(() => Infinity, () => {})
  const letGo: Array<ReadonlyArray<string | null>> = []
  const loading: Array<Fiber.Fiber<void>> = []
  const context = yield* Effect.context<ResultStore.ResultStore>()
  const collector = yield* Collector.make({
    tasks,
    leftovers: { letGo: (...left: typeof letGo[number]) => Effect.sync(() => letGo.push(left)) } as never,
    maxWorkers: () => 1,
    runLater: (effect) => loading.push(Effect.runForkWith(context)(effect))
  }).pipe(Effect.provideService(
    JobTable,
    {
      ended,
      states: (ids: ReadonlyArray<string>) => Effect.succeed(new Map(known(ids).map((job) => [job.id, job]))),
      lose: () => Effect.void
    } as never
  ))
  return { tasks, letGo, loading, collector }
})

const reference = JSON.stringify({ store: "", id: "", bytes: 0, hash: 0 })

/** Its reply is complete when the store has given nothing more. */
const doneByReference = (id: string) => done(id, { replyReference: reference })

/** A store that gives nothing, and that when it is told to. */
const slowStore = () => {
  const isRead = Deferred.makeUnsafe<void>()
  const nothing = Buffer.concat(new wire.Writer().pieces())
  const read = () => Stream.fromEffect(Effect.as(Deferred.await(isRead), nothing))
  return { isRead, provide: Effect.provideService(ResultStore.ResultStore, { read } as never) }
}

const provideStore = Effect.provide(ResultStore.layerFolder("none"))

describe("Collector.run", () => {
  it.live("ends the tasks of jobs that cannot be asked for, and goes on", () =>
    Effect.gen(function*() {
      const { collector, tasks } = yield* make({
        ended: (ids) => ids.includes("odd") ? Effect.die("odd") : Effect.succeed(ids.map((id) => done(id)))
      })
      yield* Effect.forkScoped(collector.run)
      const sent = ["odd", "job"].map((name) => send(tasks, name))
      for (const { exits, task } of sent) {
        collector.ask(task.name)
        yield* until(() => exits.length > 0)
      }
      assert.deepStrictEqual(sent.flatMap(({ exits }) => exits), [Exit.die("odd"), Exit.succeed(9)])
    }).pipe(provideStore))

  it.live("loses a result that cannot be read, and says why", () =>
    Effect.gen(function*() {
      const { collector, tasks } = yield* make({
        ended: (ids) => Effect.succeed(ids.map((id) => done(id, { reply: Buffer.from("half") })))
      })
      yield* Effect.forkScoped(collector.run)
      const { exits, task } = send(tasks, "job")
      collector.ask(task.name)
      yield* until(() => exits.length > 0)
      assert.deepInclude({ ...Cause.squash((exits[0] as Exit.Failure<unknown, unknown>).cause) as object }, {
        _tag: "ResultLost",
        reason: "the message is cut off"
      })
    }).pipe(provideStore))

  it.live("settles no task again that has settled while its result was read, and takes the next of its name", () => {
    const { isRead, provide } = slowStore()
    return Effect.gen(function*() {
      const { collector, loading, tasks } = yield* make({ ended: (ids) => Effect.succeed(ids.map(doneByReference)) })
      yield* Effect.forkScoped(collector.run)
      const first = send(tasks, "job")
      collector.ask("job")
      yield* until(() => loading.length > 0)
      tasks.end(first.task, Exit.interrupt())
      yield* Deferred.succeed(isRead, undefined)
      yield* Fiber.join(loading[0]!)
      const next = send(tasks, "job")
      collector.ask("job")
      yield* until(() => next.exits.length > 0)
      assert.deepStrictEqual([first.exits, next.exits], [[Exit.interrupt()], [Exit.succeed(9)]])
      const { failed, finished } = tasks.stats(1)
      assert.deepStrictEqual({ failed, finished }, { failed: 1, finished: 1 })
    }).pipe(provide)
  })

  it.live("lets go of the result and of each input also where the program ends as the result is read", () =>
    Effect.gen(function*() {
      const { collector, letGo, loading, tasks } = yield* make({
        ended: (ids) => Effect.succeed(ids.map(doneByReference))
      })
      yield* Effect.forkScoped(collector.run)
      for (const input of ["input", null]) send(tasks, "job").task.inputReference = input
      collector.ask("job")
      yield* until(() => loading.length > 0)
      yield* Fiber.interrupt(loading[0]!)
      assert.deepStrictEqual(letGo, [["job", reference, "input", null]])
    }).pipe(slowStore().provide))
})

describe("Collector.hear", () => {
  it.effect("hears who has begun a job, and that it has stopped, and ignores what it cannot read", () =>
    Effect.gen(function*() {
      const tasks = new RemoteTasks(() => Infinity, () => {})
      const { task } = send(tasks, "job")
      const collector = yield* Collector.make({
        tasks,
        leftovers: undefined as never,
        maxWorkers: () => 1,
        runLater: () => {}
      }).pipe(Effect.provideService(JobTable, {} as never))
      collector.hear("started 7 job")
      assert.isUndefined(task.startedAt)
      collector.hear(JSON.stringify({ _tag: "Started", id: "job", ...worker }))
      assert.deepInclude(task.worker, worker)
      let isStopped = false
      task.onStopped.push(() => isStopped = true)
      collector.hear(JSON.stringify({ _tag: "Stopped", id: "job", ...worker, startedAt: 0, returnedAt: 1 }))
      assert.isTrue(isStopped)
    }))
})

describe("Collector.sweep", () => {
  it.effect("submits again what another program cancelled, and not what this one does", () =>
    Effect.gen(function*() {
      const submitted: Array<RemoteTask> = []
      const tasks = new RemoteTasks(() => Infinity, (task) => submitted.push(task))
      const [unwanted, wanted] = [send(tasks, "unwanted").task, send(tasks, "wanted").task]
      unwanted.verdict = Exit.interrupt()
      submitted.splice(0)
      const table = {
        ended: (ids: ReadonlyArray<string>) => Effect.succeed(ids.map(cancelled)),
        states: (ids: ReadonlyArray<string>) => Effect.succeed(new Map(ids.map((id) => [id, cancelled(id)])))
      }
      const collector = yield* Collector.make({
        tasks,
        leftovers: undefined as never,
        maxWorkers: () => 1,
        runLater: () => {}
      }).pipe(Effect.provideService(JobTable, table as never))
      yield* collector.sweep
      assert.deepStrictEqual(submitted, [wanted])
      assert.deepStrictEqual([unwanted.state, wanted.state], ["sent", "leaving"])
    }))

  it.effect("takes no failure or cancellation for the end of a job that is submitted anew meanwhile", () =>
    Effect.gen(function*() {
      for (const state of ["failed", "cancelled"] as const) {
        const { collector, loading, tasks } = yield* make({
          ended: (ids) =>
            Effect.sync(() => {
              tasks.end(first.task, Exit.interrupt())
              tasks.join([next.task])
              return ids.map((id) => done(id, { state }))
            }),
          known: (ids) => ids.map((id) => ({ id, state }))
        })
        const first = send(tasks, "job")
        const next = accept(tasks, "job")
        yield* collector.sweep
        assert.deepStrictEqual([next.task.state, loading], ["submitting", []])
      }
    }).pipe(provideStore))

  it.live("ends tasks whose job the cluster does not know any more, unless its result is being read", () => {
    const { isRead, provide } = slowStore()
    return Effect.gen(function*() {
      const { collector, tasks } = yield* make({
        ended: (ids) => Effect.succeed(ids.filter((id) => id === "being read").map(doneByReference))
      })
      const [gone, read] = [send(tasks, "gone"), send(tasks, "being read")]
      yield* collector.sweep
      const error = Cause.squash((gone.exits[0] as Exit.Failure<unknown, unknown>).cause)
      assert.deepInclude({ ...error as object }, {
        _tag: "ResultLost",
        reason: "it ended, and was removed before it was read"
      })
      yield* Deferred.succeed(isRead, undefined)
      yield* until(() => read.exits.length > 0)
      assert.deepStrictEqual(read.exits, [Exit.succeed(9)])
    }).pipe(provide)
  })

  it.effect("tells who has begun a job of which nobody heard, and nothing of one that waits", () =>
    Effect.gen(function*() {
      const { collector, tasks } = yield* make({
        known: () => [{ id: "runs", state: "running", ...worker }, { id: "waits", state: "waiting" }]
      })
      const [runs, waits] = [send(tasks, "runs").task, send(tasks, "waits").task]
      yield* collector.sweep
      assert.deepInclude(runs.worker, worker)
      assert.isUndefined(waits.startedAt)
    }).pipe(provideStore))

  it.effect("asks about each job that is sent, of so many at a time, and about none that is on its way", () =>
    Effect.gen(function*() {
      const asked: Array<ReadonlyArray<string>> = []
      const { collector, tasks } = yield* make({
        ended: (ids) => Effect.sync(() => void asked.push(ids)).pipe(Effect.as([])),
        known: (ids) => {
          asked.push(ids)
          return ids.map((id) => ({ id, state: "waiting" }))
        }
      })
      const names = Array.from({ length: namesAtOnce + 1 }, (_, n) => send(tasks, `here/${n}`).task.name)
      tasks.join([accept(tasks, "on its way").task])
      yield* collector.sweep
      const parts = [names.slice(0, -1), names.slice(-1)]
      assert.deepStrictEqual(asked, [...parts, ...parts])
    }).pipe(provideStore))
})
