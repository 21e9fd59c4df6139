import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ExecutorError, Future } from "../lib/mod.ts"
import { collectGarbage } from "./shared/gc.ts"

/** A fiber that succeeds with its own delay after so many milliseconds. */
const after = (delay: number) => Effect.forkChild(Effect.delay(Effect.succeed(delay), delay))

const failingAfter = (delay: number) => Effect.forkChild(Effect.delay(Effect.fail("no good" as const), delay))

/** A fiber with a result that takes up memory. */
const array = Effect.forkDetach(Effect.delay(Effect.sync(() => new Float64Array(1)), 1))

describe("Future.asCompleted", () => {
  it.effect("emits the fibers in the order in which they finish", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach([30, 10, 40, 20], after)
      const reading = yield* Future.asCompleted(fibers).pipe(
        Stream.mapEffect(Fiber.join),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* TestClock.adjust(40)
      assert.deepStrictEqual(yield* Fiber.join(reading), [10, 20, 30, 40])
    }))

  it.effect("emits each as soon as it has finished, whatever the others do", () =>
    Effect.gen(function*() {
      const never = yield* Effect.forkChild(Effect.never)
      const soon = yield* after(10)
      const reading = yield* Future.asCompleted([never, soon]).pipe(Stream.runHead, Effect.forkChild)
      yield* TestClock.adjust(10)
      const first = yield* Fiber.join(reading)
      assert.strictEqual(first._tag === "Some" ? first.value : undefined, soon)
    }))

  it.effect("emits those that have finished already first, in the order given", () =>
    Effect.gen(function*() {
      const slow = yield* after(30)
      const early = yield* Effect.forEach([20, 10], after)
      yield* TestClock.adjust(25)
      const reading = yield* Future.asCompleted([slow, ...early]).pipe(
        Stream.mapEffect(Fiber.join),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* Fiber.join(reading), [20, 10, 30])
    }))

  it.effect("emits each fiber once, also one that was given twice", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* after(10), yield* after(20)]
      yield* TestClock.adjust(15)
      const reading = yield* Future.asCompleted([a, b, a, b]).pipe(Stream.runCollect, Effect.forkChild)
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* Fiber.join(reading), [a, b])
    }))

  it.effect("ends at once when there are none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Future.asCompleted([]).pipe(Stream.runCollect), [])
    }))

  it.effect("emits fibers that failed or were interrupted like any other", () =>
    Effect.gen(function*() {
      const failing = yield* Effect.forkChild(Effect.fail("no good"))
      const interrupted = yield* Effect.forkChild(Effect.never)
      yield* Fiber.interrupt(interrupted)
      const exits = yield* Future.asCompleted([interrupted, failing]).pipe(
        Stream.mapEffect(Fiber.await),
        Stream.runCollect
      )
      assert.isTrue(Exit.hasInterrupts(exits[0]!))
      assert.deepStrictEqual(exits[1], Exit.fail("no good"))
    }))

  it.effect("leaves the fibers alone when its reader stops", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach([10, 20], after)
      const reading = yield* Future.asCompleted(fibers).pipe(Stream.runDrain, Effect.forkChild)
      yield* TestClock.adjust(10)
      yield* Fiber.interrupt(reading)
      yield* TestClock.adjust(10)
      assert.strictEqual(yield* Fiber.join(fibers[1]!), 20)
    }))

  it.live("lets go of a fiber before it emits it", () =>
    Effect.gen(function*() {
      const release = yield* Deferred.make<Float64Array<ArrayBuffer>>()
      const last = yield* Effect.forkDetach(Deferred.await(release))
      const results: Array<WeakRef<Float64Array>> = []
      let collected = 0

      yield* Effect.all([array, array, array, Effect.succeed(last)]).pipe(
        Effect.map(Future.asCompleted),
        Stream.unwrap,
        Stream.tap((fiber) =>
          Effect.gen(function*() {
            if (fiber === last) return
            results.push(new WeakRef(yield* Fiber.join(fiber)))
            if (results.length === 3) yield* Deferred.succeed(release, new Float64Array(1))
          })
        ),
        Stream.map(() => undefined),
        Stream.runForEach(() =>
          Effect.gen(function*() {
            yield* collectGarbage
            collected = results.filter((result) => result.deref() === undefined).length
          })
        )
      )
      assert.strictEqual(collected, 3)
    }))

  it.live("lets go of those that had finished before, and of all when its reader stops, though others are pending", () =>
    Effect.gen(function*() {
      const pending = yield* Effect.forkDetach(Effect.never)
      const lent = Effect.gen(function*() {
        const fiber = yield* array
        yield* Fiber.await(fiber)
        return [fiber, new WeakRef(yield* Fiber.join(fiber))] as const
      })
      const read = yield* Effect.gen(function*() {
        const [first, result] = yield* lent
        const pull = yield* Stream.toPull(Future.asCompleted([pending, first]))
        assert.deepStrictEqual(yield* pull, [first])
        return [pull, result] as const
      })
      yield* collectGarbage
      assert.isUndefined(read[1].deref(), "read")
      const unread = yield* Effect.gen(function*() {
        const [[first], [second, result]] = [yield* lent, yield* lent]
        yield* Future.asCompleted([pending, first, second]).pipe(Stream.take(1), Stream.runDrain)
        return result
      })
      yield* collectGarbage
      assert.isUndefined(unread.deref(), "unread")
      assert.isUndefined(pending.pollUnsafe())
    }).pipe(Effect.scoped))

  it.effect("loses no fiber to a pull that is interrupted", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<string>()
      const pull = yield* Stream.toPull(Future.asCompleted([yield* Effect.forkChild(Deferred.await(gate))]))
      for (let n = 0; n < 2; n++) {
        yield* Fiber.interrupt(yield* Effect.forkChild(pull, { startImmediately: true }))
      }
      yield* Deferred.succeed(gate, "done")
      const [fiber] = yield* pull
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      assert.isTrue(Cause.isDone(yield* Effect.flip(pull)))
    }).pipe(Effect.scoped))
})

describe("Future.wait", () => {
  it.effect("waits for all, and gives them in the order they came in", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach([30, 10, 20], after)
      const waiting = yield* Effect.forkChild(Future.wait(fibers))
      yield* TestClock.adjust(20)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { done: fibers, pending: [] })
    }))

  it.effect("waits for the first, also one that fails or is interrupted", () =>
    Effect.gen(function*() {
      for (const end of [Effect.succeed(1), Effect.fail("no good"), Effect.interrupt]) {
        const slow = yield* after(30)
        const fast = yield* Effect.forkChild(Effect.delay(end, 10))
        const waiting = yield* Effect.forkChild(Future.wait([slow, fast], { until: "first" }))
        yield* TestClock.adjust(10)
        assert.deepStrictEqual(yield* Fiber.join(waiting), { done: [fast], pending: [slow] })
      }
    }))

  it.effect("waits for the first failure, and counts an interruption as none", () =>
    Effect.gen(function*() {
      const fibers = [
        yield* after(10),
        yield* after(50),
        yield* Effect.forkChild(Effect.delay(Effect.interrupt, 20)),
        yield* failingAfter(30)
      ] as const
      const waiting = yield* Effect.forkChild(Future.wait(fibers, { until: "firstFailure" }))
      yield* TestClock.adjust(25)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* Fiber.join(waiting), {
        done: [fibers[0], fibers[2], fibers[3]],
        pending: [fibers[1]]
      })
    }))

  it.effect("waits for all, where none fails before", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach([10, 20], after)
      const waiting = yield* Effect.forkChild(Future.wait(fibers, { until: "firstFailure" }))
      yield* TestClock.adjust(10)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { done: fibers, pending: [] })
    }))

  it.effect("counts a defect as a failure", () =>
    Effect.gen(function*() {
      const slow = yield* after(30)
      const broken = yield* Effect.forkChild(Effect.die("a mistake"))
      const waiting = yield* Effect.forkChild(Future.wait([slow, broken], { until: "firstFailure" }))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { done: [broken], pending: [slow] })
    }))

  it.effect("counts as a failure also what failed as it was interrupted", () =>
    Effect.gen(function*() {
      const slow = yield* after(30)
      const broken = yield* Effect.forkChild(Effect.onInterrupt(Effect.never, () => Effect.die("a mistake")), {
        startImmediately: true
      })
      const waiting = yield* Effect.forkChild(Future.wait([slow, broken], { until: "firstFailure" }))
      yield* Fiber.interrupt(broken)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(waiting.pollUnsafe(), Exit.succeed({ done: [broken], pending: [slow] }))
    }))

  it.effect("waits for ever where it was given no timeout", () =>
    Effect.gen(function*() {
      const never = yield* Effect.forkChild(Effect.never)
      const waiting = yield* Effect.forkChild(Future.wait([never]))
      yield* TestClock.adjust("10000 days")
      assert.isUndefined(waiting.pollUnsafe())
    }))

  it.effect("waits no longer than its timeout, and interrupts nothing", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach([30, 10], after)
      const waiting = yield* Effect.forkChild(Future.wait(fibers, { timeout: "20 millis" }))
      yield* TestClock.adjust(19)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { done: [fibers[1]], pending: [fibers[0]] })
      yield* TestClock.adjust(10)
      assert.strictEqual(yield* Fiber.join(fibers[0]!), 30)
    }))

  it.effect("does not wait for what is done, nor for none at all", () =>
    Effect.gen(function*() {
      const fiber = yield* after(0)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Future.wait([fiber]), { done: [fiber], pending: [] })
      assert.deepStrictEqual(yield* Future.wait([fiber], { timeout: 0 }), { done: [fiber], pending: [] })
      for (const until of ["all", "first", "firstFailure"] as const) {
        assert.deepStrictEqual(yield* Future.wait([], { until }), { done: [], pending: [] })
      }
    }))

  it.effect("names a fiber that was given twice once", () =>
    Effect.gen(function*() {
      const [done, pending] = [yield* after(1), yield* after(10)]
      yield* TestClock.adjust(1)
      const waited = yield* Future.wait([pending, done, pending, done], { until: "first" })
      assert.deepStrictEqual(waited, { done: [done], pending: [pending] })
    }))

  it.live("lets go of what is done, though others are pending", () =>
    Effect.gen(function*() {
      const pending = yield* Effect.forkDetach(Effect.never)
      const result = yield* Effect.gen(function*() {
        const done = yield* array
        yield* Future.wait([pending, done], { until: "first" })
        return new WeakRef(yield* Fiber.join(done))
      })
      yield* collectGarbage
      assert.isUndefined(result.deref())
      assert.isUndefined(pending.pollUnsafe())
    }))

  it.effect("refuses options by name", () =>
    Effect.gen(function*() {
      const message = Effect.fnUntraced(function*(options: Record<string, unknown>) {
        const error = yield* Effect.flip(Future.wait([], options))
        assert.instanceOf(error, ExecutorError.InvalidOptions)
        return error.message
      })
      assert.strictEqual(yield* message({ timeout: -1 }), "timeout must be a duration of at least 0: received -1")
      assert.strictEqual(
        yield* message({ timeout: "soon" }),
        `timeout must be a duration of at least 0: received "soon"`
      )
      for (const until of ["last", "toString"]) {
        assert.strictEqual(
          yield* message({ until }),
          `until must be "all", "first" or "firstFailure": received "${until}"`
        )
      }
    }))

  it("keeps the types of the fibers, which may be several", () => {
    const fibers: Array<Fiber.Fiber<number, "no good"> | Fiber.Fiber<string>> = []
    type Any = Fiber.Fiber<number | string, "no good">
    expectTypeOf(Future.wait(fibers)).toEqualTypeOf<
      Effect.Effect<{ readonly done: Array<Any>; readonly pending: Array<Any> }, ExecutorError.InvalidOptions>
    >()
    expectTypeOf(Future.asCompleted(fibers)).toEqualTypeOf<Stream.Stream<Any>>()
    expectTypeOf(Future.asCompleted(fibers).pipe(Stream.mapEffect(Fiber.join))).toEqualTypeOf<
      Stream.Stream<number | string, "no good">
    >()
  })
})
