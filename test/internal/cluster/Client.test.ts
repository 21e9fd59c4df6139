import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Queue, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Client from "../../../lib/internal/cluster/Client.ts"
import { JobTable, type Submission } from "../../../lib/internal/cluster/JobTable.ts"
import { ResultStore } from "../../../lib/mod.ts"
import { square } from "../../jobs/values.ts"

/** A program of a cluster that has as many workers as the test says; the jobs that it submits wait. */
const make = Effect.fnUntraced(function*(maxWorkers?: number) {
  const cluster = { workers: 0, submitted: 0 }
  const table = {
    workers: Effect.sync(() => cluster.workers),
    listen: () => Queue.unbounded<never>(),
    submit: (some: ReadonlyArray<Submission>) =>
      Effect.sync(() => {
        cluster.submitted += some.length
        return some.map(({ id, inputHash, job }) => ({ id, inputHash, job, state: "waiting", inputReference: null }))
      }),
    announce: Effect.void,
    ended: () => Effect.succeed([]),
    states: (ids: ReadonlyArray<string>) => Effect.succeed(new Map(ids.map((id) => [id, { id, state: "waiting" }]))),
    leave: (ids: ReadonlyArray<string>) => Effect.succeed(new Map(ids.map((id) => [id, "waiting"]))),
    forget: () => Effect.void
  }
  const executor = yield* Client.make({ client: "here", maxWorkers, run: undefined, retryFailed: false }).pipe(
    Effect.provideService(JobTable, table as never)
  )
  return { cluster, executor }
})

const provideStore = Effect.provide(ResultStore.layerFolder("none"))

/** Until the program has asked the cluster for what no notification told. */
const untilSwept = (isSo: () => boolean) => Effect.repeat(TestClock.adjust("1 second"), { until: isSo })

describe("make", () => {
  it.effect("has the cluster hold a few jobs for each of its workers, also of those that come, and one without any", () =>
    Effect.gen(function*() {
      const { cluster, executor } = yield* make()
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => executor.submit(square, 3))
      yield* untilSwept(() => cluster.submitted > 0)
      assert.deepStrictEqual([cluster.submitted, executor.maxWorkers], [1, 1])
      cluster.workers = 3
      yield* untilSwept(() => cluster.submitted > 1)
      assert.deepStrictEqual([cluster.submitted, executor.maxWorkers], [12, 3])
      assert.deepInclude(yield* executor.stats, { workers: 3, queued: 20 })
      yield* Fiber.interruptAll(fibers)
    }).pipe(provideStore))

  it.effect("has the cluster hold as many as it is told to, and takes no more workers than that for its own", () =>
    Effect.gen(function*() {
      const { cluster, executor } = yield* make(2)
      cluster.workers = 3
      const fibers = yield* Effect.forEach([1, 2, 3], () => executor.submit(square, 3))
      yield* untilSwept(() => cluster.submitted > 0)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([cluster.submitted, executor.maxWorkers], [2, 2])
      assert.strictEqual((yield* executor.stats).workers, 2)
      yield* Fiber.interruptAll(fibers)
    }).pipe(provideStore))

  it.effect("says once that no runner is up for the jobs that wait, and again when the next has gone", () => {
    const said: Array<unknown> = []
    return Effect.gen(function*() {
      const { cluster, executor } = yield* make()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(said, [])
      const fiber = yield* executor.submit(square, 3)
      for (const times of [1, 2]) {
        yield* untilSwept(() => said.length === times)
        yield* TestClock.adjust("3 seconds")
        assert.lengthOf(said, times)
        cluster.workers = 1
        yield* TestClock.adjust("2 seconds")
        cluster.workers = 0
      }
      yield* Fiber.interrupt(fiber)
    }).pipe(provideStore, Effect.provide(Logger.layer([Logger.make(({ message }) => said.push(message))])))
  })

  it.effect("runs nothing any more once its scope is closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { executor } = yield* Scope.provide(make(), scope)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(executor.execute(square, [3]))))
    }).pipe(provideStore))
})
