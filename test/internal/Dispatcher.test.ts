import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import { Executor } from "../../lib/mod.ts"
import * as puppets from "../shared/puppets.ts"
import { job, type Puppet, time } from "../shared/puppets.ts"

vi.mock("../../lib/internal/clock.ts", async (original) => ({
  ...await original<object>(),
  now: () => time.now
}))

type Pool = Executor.Executor["Service"]

const short = job("short")

/** Short, and longer than it takes to wake a worker. */
const shortMs = 0.0625

/** A pool that knows how long `short` takes: its first worker has run it once, as its item 1. */
const open = Effect.fnUntraced(function*(maxWorkers: number, options: puppets.Options = {}, ms = shortMs) {
  const { pool, workers } = yield* puppets.open(maxWorkers, options)
  const fiber = yield* pool.submit(short, "first")
  workers[0]!.run(1, ms)
  yield* Fiber.join(fiber)
  return { pool, workers, worker: workers[0]! }
})

const submit = Effect.fnUntraced(function*(pool: Pool, inputs: ReadonlyArray<unknown>, options?: Executor.RunOptions) {
  const fibers = yield* Effect.forEach(inputs, (input) => pool.submit(short, input, options))
  yield* Effect.yieldNow
  return fibers
})

/** Executes and tells nobody but the observer, if there is one. */
const execute = (pool: Pool, inputs: ReadonlyArray<unknown>, isObserved: boolean) =>
  pool.execute(short, inputs).pipe(
    Effect.provideService(Executor.JobObserver, isObserved ? () => {} : undefined),
    Effect.forkChild({ startImmediately: true })
  )

const interrupt = Effect.fnUntraced(function*(fiber: Fiber.Fiber<unknown, unknown>) {
  const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
  yield* Effect.yieldNow
  return interrupting
})

/** Which of the items a worker may begin, one after the other, each to its end. */
const begins = (worker: Puppet, items: ReadonlyArray<number>) =>
  items.filter((item) => {
    const may = worker.begin(item)
    if (may) worker.put(item)
    return may
  })

const queued = (pool: Pool) => Effect.map(pool.stats, ({ queued }) => queued)

const test = (name: string, run: Effect.Effect<void, unknown, Scope.Scope>) => it.effect(name, () => run)

describe("what is sent ahead", () => {
  test(
    "waits behind what takes half a millisecond in all, and no longer",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      // With what it takes to reply: 4 × 0.1125 ms.
      yield* submit(pool, Array(10).keys().toArray())
      assert.lengthOf(worker.given(2), 5)
      assert.strictEqual(yield* queued(pool), 9)
    })
  )

  test(
    "is one where to send it takes long, behind one that is short",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* submit(pool, [2, 3])
      assert.deepStrictEqual(worker.given(2), [2, 3])
      worker.run(2, shortMs)
      time.now += 100
      worker.run(3, shortMs)
      yield* submit(pool, [4, 5, 6])
      assert.deepStrictEqual(worker.given(4), [4, 5])
    })
  )

  test(
    "has room for as many as there are slots",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1, {}, 0)
      // The latest of those that wait for another tells that to reply takes nothing.
      for (let item = 2; item < 200; item += 2) {
        yield* submit(pool, [item, item + 1])
        worker.given(item)
        time.now++
        begins(worker, [item, item + 1])
        worker.tell()
      }
      const fibers = yield* submit(pool, Array(1100).fill(0))
      assert.lengthOf(worker.given(200), 1024)
      assert.isTrue(fibers.every((fiber) => fiber.pollUnsafe() === undefined))
    })
  )

  test(
    "counts as one of the jobs that its worker runs",
    Effect.gen(function*() {
      const { pool, worker, workers } = yield* open(1, { maxJobsPerWorker: 3 })
      yield* submit(pool, [2, 3, 4])
      assert.deepStrictEqual(worker.given(2), [2, 3])
      begins(worker, [2, 3])
      worker.tell()
      workers[1]!.up()
      yield* Effect.yieldNow
      assert.deepStrictEqual(workers[1]!.runs, [[1, 4]])
    })
  )

  test(
    "is nothing that somebody looks at, and nothing that may take long",
    Effect.gen(function*() {
      for (const isObserved of [true, false]) {
        const { pool, worker } = yield* open(1)
        yield* submit(pool, [2])
        if (isObserved) yield* execute(pool, ["observed"], true)
        else yield* pool.submit(job("other"), "other")
        yield* Effect.yieldNow
        assert.deepStrictEqual(worker.given(2), [2])
        assert.deepStrictEqual(worker.runs, [[1, "first"]])
      }
    })
  )

  test(
    "does not keep another worker from being started",
    Effect.gen(function*() {
      const { pool, workers } = yield* open(1, { maxWorkers: 2 })
      yield* submit(pool, [2, 3])
      assert.lengthOf(workers, 2)
    })
  )

  test(
    "goes to no worker that is starting",
    Effect.gen(function*() {
      const { pool, worker, workers } = yield* open(2)
      workers[1]!.die()
      yield* Effect.yieldNow
      yield* submit(pool, [2, 3])
      assert.deepStrictEqual(worker.given(2), [2, 3])
      workers[2]!.up()
      assert.deepStrictEqual(workers[2]!.runs, [])
    })
  )

  test(
    "goes to no worker that shares no memory",
    Effect.gen(function*() {
      const { pool, workers: [worker] } = yield* puppets.open(1, { sharesMemory: false })
      const first = yield* pool.submit(short, "first")
      worker!.reply(1, [{ _tag: "Succeeded", value: 1 }])
      yield* Fiber.join(first)
      yield* submit(pool, [2, 3])
      assert.deepStrictEqual(worker!.runs, [[1, "first"], [2, 2]])
    })
  )

  test(
    "goes to no worker that could not read what it was sent",
    Effect.gen(function*() {
      const { pool, workers: [first, second] } = yield* open(2)
      const [running] = yield* submit(pool, [2, "other", 3])
      first!.begin(2)
      second!.run(1, shortMs)
      first!.say({ _tag: "Unread", side: "input", reason: "unreadable" })
      yield* submit(pool, [4])
      assert.deepStrictEqual(begins(first!, [3, 4]), [])
      assert.deepStrictEqual(begins(second!, [2, 3]), [2, 3])
      first!.put(2)
      first!.tell()
      assert.strictEqual(yield* Fiber.join(running!), 2)
      assert.isTrue(first!.isAsked)
    })
  )

  test(
    "goes to no worker whose job takes long, or is to be stopped",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      const [long] = yield* submit(pool, [2, 3])
      worker.begin(2)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(worker.given(2), [2, 3])
      yield* interrupt(long!)
      assert.deepStrictEqual(begins(worker, [3]), [])
      assert.deepStrictEqual(worker.cancels, [[2, 2]])
      yield* submit(pool, [4])
      assert.deepStrictEqual(worker.given(4), [])
      worker.put(2)
      worker.tell()
      assert.deepStrictEqual(worker.given(4), [3, 4])
    })
  )

  test(
    "is taken back when the job before it is the same in two looks",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* submit(pool, [2, 3, 4])
      assert.isTrue(worker.begin(2))
      worker.put(2)
      assert.isTrue(worker.begin(3))
      yield* TestClock.adjust("1 millis")
      const isSent = (item: number) => !worker.slots.isClaimed(item)
      assert.isTrue(isSent(4))
      yield* TestClock.adjust("1 millis")
      yield* submit(pool, [5])
      assert.isFalse(isSent(4))
      assert.deepStrictEqual(worker.given(4), [4])
      worker.put(3)
      worker.tell()
      assert.deepStrictEqual(worker.given(5), [4, 5])
    })
  )
})

describe("an input that cannot be sent", () => {
  test(
    "leaves nothing in the slots before it that its worker is not woken for",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* submit(pool, [2])
      worker.slots.sleep()
      const [given] = yield* submit(pool, [3, () => {}])
      assert.isFalse(worker.slots.mustWake())
      begins(worker, [2, 3])
      worker.tell()
      assert.strictEqual(yield* Fiber.join(given!), 3)
    })
  )
})

describe("a job of another priority", () => {
  test(
    "has what waits behind the oldest taken back, which keeps its order",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* submit(pool, [2, 3, 4])
      worker.given(2)
      yield* submit(pool, [99], { priority: 1 })
      assert.deepStrictEqual(begins(worker, [2, 3, 4]), [2])
      worker.tell()
      const order = [5, 6, 7].map((item) => {
        const [input] = worker.given(item)
        worker.run(item, shortMs)
        return input
      })
      assert.deepStrictEqual(order, [99, 3, 4])
      assert.propertyVal(yield* pool.stats, "finished", 5)
    })
  )

  test(
    "leaves what somebody was told has started",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* execute(pool, [2, 3], true)
      yield* submit(pool, [99], { priority: 1 })
      assert.deepStrictEqual(begins(worker, [2, 3]), [2, 3])
    })
  )

  test(
    "leaves its place among the jobs of its worker to what is taken back",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1, { maxJobsPerWorker: 4 })
      yield* submit(pool, [2, 3])
      yield* submit(pool, [99], { priority: 1 })
      worker.run(2, shortMs)
      worker.run(4, shortMs)
      assert.strictEqual(yield* queued(pool), 0)
      worker.run(5, shortMs)
      assert.propertyVal(yield* pool.stats, "finished", 4)
    })
  )

  test(
    "changes nothing in a message that is to go at the end of the turn, though what it has goes to another worker, too",
    Effect.gen(function*() {
      const { pool, workers: [first, , third] } = yield* open(3)
      // A bigint goes in a message; what cannot be sent leaves its worker idle before that goes.
      const inputs = [2, () => {}, () => {}, 4n]
      yield* Effect.forEach(inputs, (input) => pool.submit(short, input))
      yield* pool.submit(short, "urgent", { priority: 1 })
      yield* Effect.yieldNow
      assert.deepStrictEqual(first!.runs, [[1, "first"], [3, 4n]])
      assert.isFalse(first!.begin(3))
      assert.deepStrictEqual(third!.runs, [[2, 4n]])
    })
  )
})

describe("an interruption", () => {
  test(
    "takes back what its worker has not begun, but not what it should have begun long ago",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      const [first, second] = yield* submit(pool, [2, 3])
      time.now += 10
      yield* interrupt(first!)
      assert.deepStrictEqual(worker.cancels, [])
      time.now += 10
      yield* interrupt(second!)
      assert.deepStrictEqual(worker.cancels, [[3, 3]])
      assert.isTrue(worker.slots.isCancelled(3))
      assert.isDefined(first!.pollUnsafe())
      assert.isUndefined(second!.pollUnsafe())
    })
  )

  test(
    "leaves its worker free for the next job where that has not begun it",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      const [only] = yield* submit(pool, [2])
      yield* interrupt(only!)
      assert.propertyVal(yield* pool.stats, "busy", 0)
      yield* submit(pool, [3], { priority: 1 })
      assert.deepStrictEqual(begins(worker, [2, 3]), [3])
    })
  )

  test(
    "has no job sent to a worker that is starting",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(0, { maxWorkers: 2 })
      const [first] = yield* submit(pool, [1, 2])
      yield* interrupt(first!)
      assert.deepInclude(yield* pool.stats, { workers: 2, busy: 0, queued: 1 })
      workers[1]!.up()
      assert.deepStrictEqual(workers.map(({ runs }) => runs), [[], [[1, 2]]])
    })
  )

  test(
    "takes back what waits behind another, for however long",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      const [, second] = yield* submit(pool, [2, 3])
      worker.begin(2)
      time.now += 100
      yield* interrupt(second!)
      assert.isDefined(second!.pollUnsafe())
      assert.deepStrictEqual(worker.cancels, [])
      assert.isFalse(worker.begin(3))
    })
  )

  test(
    "has the latest stopped of what its worker has begun",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      const fiber = yield* execute(pool, [2, 3, 4], true)
      worker.begin(2)
      worker.slots.reply(2)
      worker.begin(3)
      yield* interrupt(fiber)
      assert.deepStrictEqual(worker.cancels, [[2, 3]])
      assert.isTrue(worker.slots.isCancelled(3))
      assert.isFalse(worker.begin(4))
    })
  )

  test(
    "leaves its place among the jobs of its worker to another",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1, { maxJobsPerWorker: 4 })
      const [, second] = yield* submit(pool, [2, 3])
      yield* interrupt(second!)
      yield* submit(pool, [4, 5, 6])
      assert.deepStrictEqual(worker.given(4), [4, 5])
    })
  )

  test(
    "sends to other workers what waits behind",
    Effect.gen(function*() {
      const { pool, workers: [first, second] } = yield* open(2)
      const [long, short] = yield* submit(pool, [2, "b"])
      yield* submit(pool, [3])
      first!.begin(2)
      assert.isTrue(second!.begin(1))
      second!.put(1, 7)
      second!.tell()
      assert.strictEqual(yield* Fiber.join(short!), 7)
      yield* interrupt(long!)
      assert.isFalse(first!.begin(3))
      assert.isTrue(second!.begin(2))
    })
  )
})

describe("a worker's death", () => {
  test(
    "costs nothing of what is done, though it has not said so",
    Effect.gen(function*() {
      // So long that nobody stays awake for it.
      const { pool, worker } = yield* open(1, {}, 0.3)
      const [first, second, third] = yield* submit(pool, [2, 3, 4])
      worker.begin(2)
      worker.put(2, 7)
      worker.begin(3)
      worker.die()
      yield* Effect.yieldNow
      assert.deepStrictEqual(first!.pollUnsafe(), Exit.succeed(7))
      assert.isTrue(Exit.isFailure(second!.pollUnsafe()!))
      assert.isUndefined(third!.pollUnsafe())
    })
  )
})

describe("a worker that cannot read an input", () => {
  test(
    "ends no sooner than the reply has come that is on its way",
    Effect.gen(function*() {
      const { pool, worker, workers } = yield* open(1)
      const [first, second] = yield* submit(pool, [2, 3])
      worker.begin(2)
      worker.slots.reply(2)
      worker.say({ _tag: "Unread", side: "input", reason: "too deep" })
      yield* Effect.yieldNow
      worker.reply(2, [{ _tag: "Succeeded", value: "done" }])
      yield* Effect.yieldNow
      assert.deepStrictEqual(first!.pollUnsafe(), Exit.succeed("done"))
      assert.isTrue(worker.isAsked)
      workers[1]!.up()
      begins(workers[1]!, [1])
      workers[1]!.tell()
      assert.deepStrictEqual(second!.pollUnsafe(), Exit.succeed(1))
    })
  )

  test(
    "is not blamed on what its worker would begin as it goes",
    Effect.gen(function*() {
      const { pool, worker, workers } = yield* open(1)
      const [given] = yield* submit(pool, [2, 3n])
      worker.say({ _tag: "Unread", side: "input", reason: "too deep" })
      assert.isFalse(worker.begin(2))
      yield* Effect.yieldNow
      assert.isTrue(worker.isAsked)
      worker.die()
      workers[1]!.up()
      workers[1]!.run(1, 1)
      assert.strictEqual(yield* Fiber.join(given!), 1)
    })
  )
})

describe("a result that cannot be read", () => {
  const unread = { _tag: "Unread", side: "result", reason: "too deep" } as const

  test(
    "costs its job alone, and not what its worker runs meanwhile",
    Effect.gen(function*() {
      const { pool, worker, workers } = yield* open(1)
      const [first, second, third] = yield* submit(pool, [2, 3, 4])
      worker.begin(2)
      worker.slots.reply(2)
      worker.begin(3)
      worker.say(unread)
      const error = yield* Effect.flip(Fiber.join(first!))
      assert.deepInclude({ ...error }, { _tag: "CloneError", side: "result", reason: "too deep" })
      assert.isUndefined(second!.pollUnsafe())
      worker.put(3)
      assert.deepStrictEqual(begins(worker, [4]), [4])
      worker.tell()
      assert.deepStrictEqual(yield* Effect.forEach([second!, third!], Fiber.join), [3, 4])
      assert.isFalse(worker.isAsked)
      assert.lengthOf(workers, 1)
    })
  )

  test(
    "is that of the oldest which was begun, though what is before it never will be",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* pool.execute(short, ["fails", "is not run"], { untilFailure: true }).pipe(
        Effect.forkChild({ startImmediately: true })
      )
      const [deep] = yield* submit(pool, ["deep"])
      worker.begin(2)
      worker.reply(2, [{ _tag: "NotFound", reason: "fails" }])
      worker.begin(4)
      worker.say(unread)
      assert.deepInclude({ ...yield* Effect.flip(Fiber.join(deep!)) }, { _tag: "CloneError", side: "result" })
      assert.isFalse(worker.isAsked)
    })
  )

  test(
    "costs its worker where it may be that of others, too",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* execute(pool, ["one", "other"], false)
      for (const item of [2, 3]) {
        worker.begin(item)
        worker.slots.reply(item)
      }
      worker.say(unread)
      yield* Effect.yieldNow
      assert.isTrue(worker.isAsked)
    })
  )
})

describe("a result", () => {
  test(
    "can have come with any number of buffers",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      const fiber = yield* pool.submit(short, "many")
      worker.begin(2)
      // More than a call can have arguments.
      const buffers = Array.from({ length: 200_000 }, () => new ArrayBuffer(0))
      worker.reply(2, [{ _tag: "Succeeded", value: "done" }], { buffers })
      assert.strictEqual(yield* Fiber.join(fiber), "done")
    })
  )
})

describe("Executor.stats, queued", () => {
  test(
    "counts what is sent ahead, but for one that its worker is about to begin",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      assert.strictEqual(yield* queued(pool), 0)
      yield* submit(pool, [2, 3, 4])
      assert.strictEqual(yield* queued(pool), 2)
      worker.begin(2)
      assert.strictEqual(yield* queued(pool), 2)
      worker.put(2)
      worker.begin(3)
      assert.strictEqual(yield* queued(pool), 1)
      worker.put(3)
      worker.begin(4)
      assert.strictEqual(yield* queued(pool), 0)
    })
  )

  test(
    "counts nothing of what somebody was told has started",
    Effect.gen(function*() {
      const { pool } = yield* open(1)
      yield* execute(pool, [2, 3, 4], true)
      assert.strictEqual(yield* queued(pool), 0)
    })
  )
})

describe("an observer", () => {
  test(
    "that interrupts a call as it hears of its first end has none of its items counted twice",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* submit(pool, [2])
      worker.begin(2)
      const ended: Array<Executor.JobEvent> = []
      const fiber: Fiber.Fiber<unknown, unknown> = yield* pool.execute(short, [3, 4, 5], {
        deadline: { queued: "1 second" }
      }).pipe(
        Effect.provideService(Executor.JobObserver, (event) => {
          if (event._tag !== "Settled") return
          ended.push(event)
          fiber.interruptUnsafe()
        }),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("1 second")
      assert.lengthOf(ended, 3)
      assert.strictEqual(yield* queued(pool), 0)
    })
  )
})

describe("a chunk", () => {
  for (
    const { expected, isKnown, isObserved, ms, name, sharesMemory } of [
      { name: "goes in messages of twenty milliseconds", expected: 3 },
      { name: "goes item by item where each takes longer", expected: 1, ms: 30 },
      { name: "goes as a whole where its length is not known", expected: 10, isKnown: false },
      { name: "goes as a whole where somebody looks on", expected: 10, isObserved: true },
      { name: "goes as a whole to a worker that shares no memory", expected: 10, sharesMemory: false }
    ].map((each) => ({ isKnown: true, isObserved: false, ms: 6, sharesMemory: true, ...each }))
  ) {
    test(
      name,
      Effect.gen(function*() {
        const { pool, workers: [worker] } = yield* puppets.open(1, { sharesMemory })
        if (isKnown) {
          const fiber = yield* pool.submit(short, "first")
          if (sharesMemory) worker!.run(1, ms)
          else worker!.reply(1, [{ _tag: "Succeeded", value: 1 }], { startedAt: time.now - ms })
          yield* Fiber.join(fiber)
        }
        yield* execute(pool, Array(10).fill(4n), isObserved)
        assert.lengthOf(worker!.runs[isKnown ? 1 : 0]!, 1 + expected)
      })
    )
  }
})

describe("the limit `running`", () => {
  test(
    "is kept by the rest of a chunk, though a result is seen before the message that its worker has begun",
    Effect.gen(function*() {
      const { pool, worker } = yield* open(1)
      yield* pool.execute(short, ["short", "long"], { deadline: { running: "1 second" } }).pipe(
        Effect.forkChild({ startImmediately: true })
      )
      begins(worker, [2])
      // It is looked whether something waits behind what takes long.
      yield* TestClock.adjust("1 millis")
      worker.say({ _tag: "Begun", id: 2 })
      worker.begin(3)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(worker.cancels, [[3, 3]])
    })
  )
})
