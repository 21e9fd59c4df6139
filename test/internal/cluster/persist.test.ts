import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Fiber, Logger } from "effect"
import { PersistedQueue } from "effect/persistence"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { persist } from "../../../lib/internal/cluster/persist.ts"

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
      }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => logged.push(message))])))
    })
  }

  it.effect("fails with what no database is at fault for", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.flip(persist(Effect.fail("other"))), "other")
    }))
})
