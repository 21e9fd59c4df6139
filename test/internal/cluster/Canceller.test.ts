import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, FiberSet } from "effect"
import { TestClock } from "effect/testing"
import * as Canceller from "../../../lib/internal/cluster/Canceller.ts"
import * as Collector from "../../../lib/internal/cluster/Collector.ts"
import { JobTable, type State } from "../../../lib/internal/cluster/JobTable.ts"
import * as Leftovers from "../../../lib/internal/cluster/Leftovers.ts"
import { RemoteTasks } from "../../../lib/internal/cluster/RemoteTasks.ts"
import { ResultStore } from "../../../lib/mod.ts"
import * as remoteTasks from "../../shared/remoteTasks.ts"
import { until } from "../../shared/until.ts"

/** A program whose jobs are with a cluster, each in the state that the test says. */
const make = Effect.gen(function*() {
  const states = new Map<string, State>()
  const database = { isAway: false, asked: 0 }
  const table = {
    states: (ids: ReadonlyArray<string>) =>
      Effect.sync(() => new Map(ids.map((id) => [id, { id, state: states.get(id), worker: null }]))),
    leave: (ids: ReadonlyArray<string>, _client: string, ofStates: ReadonlyArray<State>) =>
      Effect.suspend(() => {
        database.asked++
        if (database.isAway) return Effect.fail({ _tag: "PersistedQueueError" })
        const left = new Map(
          ids.map((id) => [id, states.get(id)!] as const).filter(([, state]) => ofStates.includes(state))
        )
        for (const id of left.keys()) states.set(id, "cancelled")
        return Effect.succeed(left)
      }),
    ended: (ids: ReadonlyArray<string>) =>
      Effect.sync(() => ids.filter((id) => states.get(id) === "done").map((id) => remoteTasks.done(id)))
  }
  const tasks = new RemoteTasks(() => Infinity, () => {})
  const canceller = yield* Effect.gen(function*() {
    const runLater = yield* FiberSet.makeRuntime<ResultStore.ResultStore>()
    const leftovers = yield* Leftovers.make
    const collector = yield* Collector.make({ tasks, leftovers, maxWorkers: () => 1, runLater })
    yield* Effect.forkScoped(collector.run)
    return yield* Canceller.make({ client: "here", tasks, collector, leftovers, runLater })
  }).pipe(Effect.provideService(JobTable, table as never))
  yield* Effect.forkScoped(canceller.run)

  const send = (name: string, state: State, queued?: Duration.Duration) => {
    states.set(name, state)
    const deadline = { queued, running: undefined, total: undefined }
    return remoteTasks.send(tasks, name, { deadline })
  }

  return { canceller, database, send, states, tasks }
})

const provideStore = Effect.provide(ResultStore.layerFolder("none"))

const tooLate = Exit.fail("too late")

describe("Canceller.limit", () => {
  it.effect("ends by the limit queued what waits, and nothing that has begun, heard of or not", () =>
    Effect.gen(function*() {
      const { canceller, send, states } = yield* make
      const heard = send("heard", "running", Duration.seconds(1))
      heard.task.started(remoteTasks.worker)
      // Its runner is gone, and another has it next.
      states.set("heard", "waiting")
      const unheard = send("unheard", "running", Duration.seconds(1))
      const shared = [send("shared", "running", Duration.seconds(1)), send("shared", "running")]
      const waits = send("waits", "waiting", Duration.seconds(2))
      const waitsForOther = [
        send("waits for another", "waiting", Duration.seconds(2)),
        send("waits for another", "waiting")
      ]
      const all = [heard, unheard, ...shared, waits, ...waitsForOther]
      for (const { task } of all) canceller.limit(task, "queued")
      yield* TestClock.adjust("2 seconds")
      yield* until(() => waits.exits.length > 0 && waitsForOther[0]!.exits.length > 0)
      assert.deepStrictEqual(all.filter(({ exits }) => exits.length > 0), [waits, waitsForOther[0]!])
      for (const { exits } of [waits, waitsForOther[0]!]) assert.include(String(exits[0]), "queued")
      assert.deepStrictEqual([...states.values()], ["waiting", "running", "running", "cancelled", "waiting"])
    }).pipe(provideStore))

  it.effect("ends by the limit queued also what is on its way into the cluster", () =>
    Effect.gen(function*() {
      const { canceller, tasks } = yield* make
      const deadline = { queued: Duration.seconds(1), running: undefined, total: undefined }
      const { exits, task } = remoteTasks.accept(tasks, "on its way", { deadline })
      canceller.limit(task, "queued")
      yield* TestClock.adjust("1 second")
      assert.include(String(exits[0]), "queued")
    }).pipe(provideStore))
})

describe("Canceller.cancel", () => {
  it.live("ends a task as who came first has it, and returns to each of them when its worker is free", () =>
    Effect.gen(function*() {
      const { canceller, send } = yield* make
      for (const [first, second] of [[Exit.interrupt(), tooLate], [tooLate, Exit.interrupt()]] as const) {
        const { exits, task } = send(`first ${String(first)}`, "running")
        const fibers = []
        for (const verdict of [first, second]) {
          fibers.push(yield* Effect.forkChild(canceller.cancel(task, verdict), { startImmediately: true }))
          // The table has been asked about that one when it has been about this.
          yield* canceller.cancel(send("waits", "waiting").task, Exit.interrupt())
        }
        assert.deepStrictEqual(exits, [])
        task.wasStopped({ ...remoteTasks.worker, startedAt: 0, returnedAt: 1 })
        yield* Fiber.joinAll(fibers)
        assert.deepStrictEqual(exits, [first])
      }
    }).pipe(provideStore))

  it.live("lets a job that ended in time for its limit have its result, also where nobody told of its end", () =>
    Effect.gen(function*() {
      const { canceller, send } = yield* make
      const sent = ["alone", "shared", "shared"].map((name) => send(name, "done"))
      yield* Effect.forEach(sent, ({ task }) => canceller.cancel(task, tooLate), { concurrency: "unbounded" })
      yield* until(() => sent.every(({ exits }) => exits.length > 0))
      assert.deepStrictEqual(sent.flatMap(({ exits }) => exits), sent.map(() => Exit.succeed(9)))
    }).pipe(provideStore))

  it.live("does not cancel what is asked for anew before the database, which was away, can be told", () =>
    Effect.gen(function*() {
      const { canceller, database, send, states } = yield* make
      database.isAway = true
      const fiber = yield* Effect.forkChild(canceller.cancel(send("anew", "running").task, Exit.interrupt()))
      yield* until(() => database.asked > 0)
      send("anew", "running")
      database.isAway = false
      yield* Fiber.join(fiber)
      assert.strictEqual(states.get("anew"), "running")
    }).pipe(provideStore))

  it.live("does not wait for the worker of a job that others still want", () =>
    Effect.gen(function*() {
      const { canceller, send, states } = yield* make
      const alone = yield* Effect.forkChild(canceller.cancel(send("alone", "running").task, tooLate), {
        startImmediately: true
      })
      const { exits, task } = send("shared", "running")
      const other = send("shared", "running")
      yield* canceller.cancel(task, tooLate)
      assert.deepStrictEqual([exits, other.exits], [[tooLate], []])
      assert.strictEqual(states.get("shared"), "running")
      // Its runner is dead, and it waits for as long as it may.
      assert.isUndefined(alone.pollUnsafe())
      yield* Fiber.join(alone)
    }).pipe(provideStore))
})
