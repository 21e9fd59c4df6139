import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { persist } from "../../../lib/internal/cluster/persist.ts"

const diskFull = new SqlError.SqlError({
  reason: new SqlError.UnknownError({ cause: new Error("the disk is full"), message: "failed" })
})

/** Fails so many times, and then succeeds. */
const failing = (times: number) => {
  let tries = 0
  return Effect.suspend(() => tries++ < times ? Effect.fail(diskFull) : Effect.succeed("done"))
}

describe("persist", () => {
  it.effect("tries again until it is done, and says why when that takes long", () => {
    const logged: Array<unknown> = []
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(persist(failing(40)))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(logged, [])
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      assert.deepStrictEqual(logged, [[
        "The cluster's database does not do what it is asked to: the disk is full. Trying again."
      ]])
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => logged.push(message))])))
  })

  it.effect("fails with what no database is at fault for", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.flip(persist(Effect.fail("other"))), "other")
    }))
})
