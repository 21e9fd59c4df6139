import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Logger, Option } from "effect"
import { PersistedQueue } from "effect/persistence"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { persist, reasonOf, within } from "../../../lib/internal/cluster/persist.ts"

const diskFull = new SqlError.SqlError({
  reason: new SqlError.UnknownError({ cause: new Error("the disk is full"), message: "failed" })
})

const queueFull = new PersistedQueue.PersistedQueueError({ message: "failed", cause: Cause.fail(diskFull) })

/** Fails so many times, and then succeeds. */
const failing = (times: number, error: typeof diskFull | typeof queueFull) => {
  let tries = 0
  return Effect.suspend(() => tries++ < times ? Effect.fail(error) : Effect.succeed("done"))
}

describe("persist", () => {
  for (const [what, error] of [["a table", diskFull], ["the queue", queueFull]] as const) {
    it.effect(`tries again until it is done, and says why when that takes long, of ${what}`, () => {
      const logged: Array<unknown> = []
      return Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(persist(failing(40, error)))
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(logged, [])
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), "done")
        assert.deepStrictEqual(logged, [[
          "The cluster's database does not do what it is asked to: the disk is full. Trying again."
        ]])
        yield* Effect.forkChild(persist(failing(Infinity, error)))
        yield* TestClock.adjust("130 seconds")
        assert.lengthOf(logged, 4, "after 5 seconds, and then each minute")
      }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => logged.push(message))])))
    })
  }

  it.effect("tries again what could not be rolled back, and dies of other defects", () =>
    Effect.gen(function*() {
      let tries = 0
      const rollBack = Effect.suspend(() => tries++ < 1 ? Effect.die(diskFull) : Effect.die("other"))
      const fiber = yield* Effect.forkChild(persist(rollBack))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.die("other"))
      assert.strictEqual(tries, 2)
    }))

  it.effect("fails with what no database is at fault for", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.flip(persist(Effect.fail("other"))), "other")
    }))
})

describe("reasonOf", () => {
  it("is the last cause, an Error or not", () => {
    const errors = ["full", 7, null, undefined, queueFull].map((cause) => new Error("failed", { cause }))
    assert.deepStrictEqual(errors.map(reasonOf), ["full", "7", "null", "failed", "the disk is full"])
  })
})

describe("within", () => {
  it.effect("interrupts in real time what takes longer, and waits for nothing that goes on", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* within(Effect.succeed("done"), "1 hour"), Option.some("done"))
      const [isEnded, isInterrupted] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const endless = Effect.onInterrupt(
        Effect.never,
        () => Effect.andThen(Deferred.succeed(isInterrupted, undefined), Deferred.await(isEnded))
      )
      // A fiber that ends would wait for its children.
      const fiber = yield* Effect.forkChild(within(endless, "1 millis"))
      assert.deepStrictEqual(yield* Fiber.join(fiber), Option.none())
      yield* Deferred.await(isInterrupted)
      yield* Deferred.succeed(isEnded, undefined)
    }))

  it.effect("does not outlive who waits for it", () =>
    Effect.gen(function*() {
      const isInterrupted = yield* Deferred.make<void>()
      const endless = Effect.onInterrupt(Effect.never, () => Deferred.succeed(isInterrupted, undefined))
      const fiber = yield* Effect.forkChild(within(endless, "1 hour"), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(isInterrupted)
    }))
})
