/** What CPython's own tests ask of `concurrent.futures`, in the words of this library, as far as no other test has it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { Executor, ProcessExecutor, ThreadExecutor } from "../lib/mod.ts"
import * as Board from "./jobs/board.ts"
import { allocatedIsCollected, inputIsCollected } from "./jobs/collected.ts"
import * as values from "./jobs/values.ts"
import { collectGarbage } from "./shared/gc.ts"
import { until } from "./shared/until.ts"

const one = Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))
const four = Effect.provide(ThreadExecutor.layer({ maxWorkers: 4 }))

describe("an executor", () => {
  it.live("has as many workers as it may, however many jobs wait", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const labels = Array.from({ length: 60 }, (_, label) => label)
      const fibers = yield* Effect.forEach(labels, (label) => Executor.submit(values.hold, { board, label }))
      yield* until(() => Board.started(board) === 4)
      assert.deepInclude(yield* Executor.stats, { workers: 4, busy: 4, queued: 56 })
      Board.openGate(board)
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), labels)
      assert.strictEqual(Board.mostRunning(board), 4)
      assert.propertyVal(yield* Executor.stats, "workers", 4)
    }).pipe(four))

  it.live("starts no worker while another is idle", () =>
    Effect.gen(function*() {
      for (const n of [1, 2, 3]) assert.strictEqual(yield* Executor.run(values.square, n), n * n)
      assert.propertyVal(yield* Executor.stats, "workers", 1)
    }).pipe(four))

  it.live("drained and closed, has run all that was submitted", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.gen(function*() {
        const fibers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (n) => Executor.submit(values.squareLater, n))
        yield* Executor.drain
        return fibers
      }).pipe(one)
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), [1, 4, 9, 16, 25, 36])
    }))

  it.live("closed, has ended those that ran in time and interrupted the others", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const fibers = yield* Effect.gen(function*() {
        const done = yield* Executor.submit(values.note, { board, label: 0 })
        const rest = yield* Effect.forEach([1, 2, 3], (label) => Executor.submit(values.hold, { board, label }))
        yield* until(() => Board.started(board) === 2)
        return [done, ...rest]
      }).pipe(one)
      const exits = yield* Fiber.awaitAll(fibers)
      assert.deepStrictEqual(exits.map((exit) => Exit.isSuccess(exit)), [true, false, false, false])
      assert.isTrue(exits.slice(1).every((exit) => Exit.hasInterrupts(exit)))
      assert.deepStrictEqual(Board.starts(board), [0, 1])
    }))
})

describe("Executor.map with a time limit", () => {
  it.live("has given what was ready, and never runs what waited in the queue", () =>
    Effect.gen(function*() {
      const [blocked, board] = [Board.make(), Board.make()]
      yield* Executor.submit(values.hold, { board: blocked, label: 0 })
      yield* until(() => Board.started(blocked) === 1)
      const read = yield* Stream.make(1, 2).pipe(
        Stream.map((label) => ({ board, label })),
        Executor.map(values.note),
        Stream.runCollect,
        Effect.timeoutOption("30 millis")
      )
      assert.propertyVal(read, "_tag", "None")
      Board.openGate(blocked)
      yield* Executor.drain
      assert.deepStrictEqual(Board.starts(board), [])
      assert.deepInclude(yield* Executor.stats, { finished: 1, queued: 0 })
    }).pipe(one))
})

describe("what nobody needs any more", () => {
  it.live("is let go by the executor: inputs and results", () =>
    Effect.gen(function*() {
      const references: Array<WeakRef<object>> = []
      yield* Stream.range(1, 4).pipe(
        Stream.map((n) => {
          const input = { n }
          references.push(new WeakRef(input))
          return input
        }),
        Executor.map(values.echo, { concurrency: 1 }),
        Stream.runForEach((result) => Effect.sync(() => references.push(new WeakRef(result as object))))
      )
      yield* collectGarbage
      // The last of each may be in a register still.
      const alive = references.filter((reference) => reference.deref() !== undefined)
      assert.isAtMost(alive.length, 2)
    }).pipe(one))

  it.live("is let go by the worker: the input of an earlier job", () =>
    Effect.gen(function*() {
      yield* Executor.run(inputIsCollected, { some: "object" })
      yield* Executor.run(values.square, 1)
      assert.isTrue(yield* Executor.run(inputIsCollected, undefined))
    }).pipe(one))

  for (const [name, { layer }] of Object.entries({ ThreadExecutor, ProcessExecutor })) {
    it.live(`is let go by the worker: what an earlier job allocated, ${name}`, () =>
      Effect.gen(function*() {
        yield* Executor.run(allocatedIsCollected, 8)
        yield* Executor.run(values.square, 1)
        assert.isTrue(yield* Executor.run(allocatedIsCollected, 0))
      }).pipe(Effect.provide(layer({ maxWorkers: 1 }))))
  }
})
