import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, FiberSet } from "effect"
import * as Canceller from "../../../lib/internal/cluster/Canceller.ts"
import * as Collector from "../../../lib/internal/cluster/Collector.ts"
import { JobTable, type State } from "../../../lib/internal/cluster/JobTable.ts"
import * as Leftovers from "../../../lib/internal/cluster/Leftovers.ts"
import { RemoteTasks } from "../../../lib/internal/cluster/RemoteTasks.ts"
import { ResultStore } from "../../../lib/mod.ts"
import * as remoteTasks from "../../shared/remoteTasks.ts"

/** A program whose jobs are with a cluster, each in the state that the test says. */
const make = Effect.gen(function*() {
  const states = new Map<string, State>()
  const table = {
    states: (ids: ReadonlyArray<string>) =>
      Effect.sync(() => new Map(ids.map((id) => [id, { id, state: states.get(id), worker: null }]))),
    leave: (ids: ReadonlyArray<string>, _client: string, ofStates: ReadonlyArray<State>) =>
      Effect.sync(() => {
        const left = new Map(
          ids.map((id) => [id, states.get(id)!] as const).filter(([, state]) => ofStates.includes(state))
        )
        for (const id of left.keys()) states.set(id, "cancelled")
        return left
      }),
    ended: () => Effect.succeed([])
  }
  const tasks = new RemoteTasks(() => Infinity, () => {})
  const canceller = yield* Effect.gen(function*() {
    const runLater = yield* FiberSet.makeRuntime<ResultStore.ResultStore>()
    const leftovers = yield* Leftovers.make
    const collector = yield* Collector.make({ tasks, leftovers, maxWorkers: () => 1, runLater })
    return yield* Canceller.make({ client: "here", tasks, collector, leftovers, runLater })
  }).pipe(Effect.provideService(JobTable, table as never))
  yield* Effect.forkScoped(canceller.run)

  const send = (name: string, state: State) => {
    states.set(name, state)
    return remoteTasks.send(tasks, name)
  }

  return { canceller, send }
})

const provideStore = Effect.provide(ResultStore.layerFolder("none"))

const tooLate = Exit.fail("too late")

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
        task.wasStopped({ workerId: 7, startedAt: 0, returnedAt: 1 })
        yield* Fiber.joinAll(fibers)
        assert.deepStrictEqual(exits, [first])
      }
    }).pipe(provideStore))
})
