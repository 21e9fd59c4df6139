import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as Collector from "../../../lib/internal/cluster/Collector.ts"
import { JobTable } from "../../../lib/internal/cluster/JobTable.ts"
import type { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { RemoteTasks } from "../../../lib/internal/cluster/RemoteTasks.ts"
import { ExecutorError, ResultStore } from "../../../lib/mod.ts"
import { send, worker } from "../../shared/remoteTasks.ts"

const cancelled = (id: string) => ({ id, state: "cancelled", worker: null, reply: null, replyReference: null })

const runNow = (effect: Effect.Effect<void, never, ResultStore.ResultStore>) =>
  Effect.runSync(Effect.provideService(effect, ResultStore.ResultStore, {} as never))

describe("Collector.hear", () => {
  it.effect("hears who has begun a job, and ignores what it cannot read", () =>
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

  it.effect("says why a reply cannot be read", () =>
    Effect.gen(function*() {
      const tasks = new RemoteTasks(() => Infinity, () => {})
      const { exits } = send(tasks, "job")
      const table = {
        ended: () => Effect.succeed([{ id: "job", state: "done", reply: Buffer.from("half"), replyReference: null }]),
        states: () => Effect.succeed(new Map()),
        lose: () => Effect.void
      }
      const collector = yield* Collector.make({
        tasks,
        leftovers: { letGo: () => Effect.void } as never,
        maxWorkers: () => 1,
        runLater: runNow
      }).pipe(Effect.provideService(JobTable, table as never))
      yield* collector.sweep
      const lost = new ExecutorError.ResultLost({ job: "square", reason: "the message is cut off" })
      assert.deepStrictEqual(exits, [Exit.fail(lost)])
    }))
})
