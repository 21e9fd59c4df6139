import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Executor, InlineExecutor, Job } from "../lib/mod.ts"
import * as Board from "./jobs/board.ts"
import { deaf } from "./jobs/endless.ts"
import * as values from "./jobs/values.ts"
import { executorSuite } from "./shared/executorSuite.ts"
import { keepBusy, until } from "./shared/until.ts"

describe("InlineExecutor.layer", () => {
  executorSuite(InlineExecutor.layer)

  it.live("runs jobs on the calling thread", () =>
    Effect.gen(function*() {
      assert.isTrue(yield* Executor.run(values.onMainThread, undefined))
    }).pipe(Effect.provide(InlineExecutor.layer())))

  it.live("runs a job that sees what is around it, wherever it was made", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const see = Job.make(import.meta, "see", (n: number) => {
        seen.push(n)
      })
      yield* Executor.run(see, 1)
      yield* Executor.run(see, 2)
      assert.deepStrictEqual(seen, [1, 2])
    }).pipe(Effect.provide(InlineExecutor.layer())))

  it.effect("lets a job that does not listen be timed out under TestClock, too", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const fiber = yield* Effect.forkChild(Effect.timeoutOption(Executor.run(deaf, board), "1 second"))
      yield* TestClock.withLive(until(() => Board.started(board) === 1))
      yield* TestClock.adjust("1 second")
      assert.propertyVal(yield* Fiber.join(fiber), "_tag", "None")
    }).pipe(Effect.provide(InlineExecutor.layer({ maxWorkers: 1 }))), 10_000)

  it.live("runs no job again that has ended when one that was sent with it is interrupted", () =>
    Effect.gen(function*() {
      const runs: Array<number> = []
      const step = Job.make(import.meta, "step", (n: number) => {
        runs.push(n)
        return n < 0 ? new Promise<never>(() => {}) : { n }
      })
      yield* Effect.forEach(Array(200).keys(), (n) => Executor.run(step, n))
      runs.length = 0
      const fibers = yield* Effect.forEach([1, 2, -1], (n) => Executor.submit(step, n))
      yield* Effect.yieldNow.pipe(Effect.repeat({ until: () => runs.includes(-1) }))
      fibers[2]!.interruptUnsafe()
      // The replies of the others come no sooner than the end of the grace.
      keepBusy(50)
      yield* Effect.forEach(fibers, Fiber.await)
      assert.deepStrictEqual(runs, [1, 2, -1])
    }).pipe(Effect.provide(InlineExecutor.layer({ maxWorkers: 1 }))))

  it.live("refuses a job from a job that it runs itself, which could wait for ever, and takes it from another", () =>
    Effect.gen(function*() {
      const executor = yield* Executor.Executor
      const nested = Job.make(
        import.meta,
        "nested",
        (n: number) => Executor.run(values.square, n).pipe(Effect.provideService(Executor.Executor, executor))
      )
      const error = yield* Effect.flip(Executor.run(nested, 3))
      assert.propertyVal(error, "_tag", "WouldDeadlock")
      assert.include(error.message, "square")
      const elsewhere = yield* Executor.run(nested, 3).pipe(Effect.provide(InlineExecutor.layer({ maxWorkers: 1 })))
      assert.strictEqual(elsewhere, 9)
    }).pipe(Effect.provide(InlineExecutor.layer({ maxWorkers: 1 }))))
})
