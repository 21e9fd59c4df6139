import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { JobTable, namesAtOnce } from "../../../lib/internal/cluster/JobTable.ts"
import * as Leftovers from "../../../lib/internal/cluster/Leftovers.ts"
import { ResultStore } from "../../../lib/mod.ts"

/** Leftovers, and the names that a database was asked to forget, each time; `answer` is how it does that. */
const make = (answer: Effect.Effect<void> = Effect.void) => {
  const asked: Array<ReadonlyArray<string>> = []
  const table = {
    forget: (names: ReadonlyArray<string>) => Effect.andThen(Effect.sync(() => asked.push(names)), answer)
  }
  return Effect.map(
    Effect.provideService(Leftovers.make, JobTable, table as never),
    (leftovers) => ({ ...leftovers, asked })
  )
}

const provideStore = Effect.provide(ResultStore.layerFolder("none"))

describe("Leftovers.forget", () => {
  it.effect("asks for each name that there is once, for so many at a time, and for none where there is none", () =>
    Effect.gen(function*() {
      const { asked, forget, letGo } = yield* make()
      const names = Array.from({ length: namesAtOnce + 1 }, (_, n) => `here/${n}`)
      for (const name of names) yield* letGo(name)
      for (const _ of [1, 2]) {
        yield* forget
        assert.deepStrictEqual(asked, [names.slice(0, -1), names.slice(-1)])
      }
    }).pipe(provideStore))
})

describe("Leftovers.forgetAll", () => {
  it.effect("waits for what is being forgotten, which a program that ends would cut off", () =>
    Effect.gen(function*() {
      const isAnswered = yield* Deferred.make<void>()
      const { asked, forget, forgetAll, letGo } = yield* make(Deferred.await(isAnswered))
      yield* letGo("here/0")
      yield* Effect.forkChild(forget, { startImmediately: true })
      yield* letGo("here/1")
      const all = yield* Effect.forkChild(forgetAll, { startImmediately: true })
      assert.deepStrictEqual(asked, [["here/0"]])
      yield* Deferred.succeed(isAnswered, undefined)
      yield* Fiber.join(all)
      assert.deepStrictEqual(asked, [["here/0"], ["here/1"]])
    }).pipe(provideStore))
})
