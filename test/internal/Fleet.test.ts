import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import { Executor } from "../../lib/mod.ts"
import * as puppets from "../shared/puppets.ts"
import { job, type Puppet, time } from "../shared/puppets.ts"

vi.mock("../../lib/internal/clock.ts", async (original) => ({
  ...await original<object>(),
  now: () => time.now
}))

const cores = vi.hoisted(() => 4)

vi.mock("node:os", async (original) => ({
  ...await original<object>(),
  availableParallelism: () => cores
}))

type Pool = Executor.Executor["Service"]

const some = job("some")

const submit = Effect.fnUntraced(function*(pool: Pool, input: unknown = undefined) {
  const fiber = yield* pool.submit(some, input)
  yield* Effect.yieldNow
  return fiber
})

const interrupt = Effect.fnUntraced(function*(fiber: Fiber.Fiber<unknown, unknown>) {
  yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
  yield* Effect.yieldNow
})

const pass = (ms: number) =>
  Effect.suspend(() => {
    time.now += ms
    return TestClock.adjust(ms)
  })

const up = (worker: Puppet | undefined) => Effect.andThen(Effect.sync(() => worker!.up()), Effect.yieldNow)

const die = (worker: Puppet | undefined) => Effect.andThen(Effect.sync(() => worker!.die()), Effect.yieldNow)

const count = (pool: Pool) => Effect.map(pool.stats, ({ workers }) => workers)

/** The inputs that it was sent in messages. */
const inputsOf = (worker: Puppet | undefined) => worker!.runs.flatMap(([, ...inputs]) => inputs)

const test = (name: string, run: Effect.Effect<void, unknown, Scope.Scope>) => it.effect(name, () => run)

/** A pool whose single worker runs a job that is to be stopped, beside its spare, which is not up. */
const openStopping = Effect.fnUntraced(function*(options: puppets.Options = {}) {
  const { pool, workers } = yield* puppets.open(1, { cancelGrace: Duration.seconds(1), ...options })
  const fiber = yield* submit(pool)
  yield* up(workers[0])
  workers[0]!.begin(1)
  yield* interrupt(fiber)
  assert.lengthOf(workers, 2)
  return { pool, workers }
})

const spinning = (workers: ReadonlyArray<Puppet>) =>
  workers.map(({ messages: [init] }) => init?._tag === "Init" && init.spins)

describe("Init, spins", () => {
  test(
    "is so for workers that leave a core to the executor, and for one that takes the place of such a worker",
    Effect.gen(function*() {
      const { workers } = yield* puppets.open(cores + 1)
      const expected = Array.from({ length: cores + 1 }, (_, n) => n < cores - 1)
      assert.deepStrictEqual(spinning(workers), expected)
      yield* die(workers[0])
      yield* up(workers.at(-1))
      assert.deepStrictEqual(spinning(workers), [...expected, true])
    })
  )

  test(
    "counts spares",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(2, { maxJobsPerWorker: 1 })
      yield* Effect.forEach([1, 2], () => submit(pool))
      assert.lengthOf(workers, 4)
      yield* Effect.forEach(workers.slice(2), up)
      assert.deepStrictEqual(spinning(workers), [true, true, true, false])
    })
  )

  test(
    "is not so where no memory is shared",
    Effect.gen(function*() {
      const { workers: [worker] } = yield* puppets.open(1, { sharesMemory: false })
      assert.deepInclude(worker!.messages[0]!, { _tag: "Init", spins: false, slots: undefined })
    })
  )
})

describe("a pool", () => {
  test(
    "opens when all of minWorkers are up, and not where one does not start",
    Effect.gen(function*() {
      const { opening, workers } = yield* puppets.make({ maxWorkers: 3, minWorkers: 2 })
      assert.lengthOf(workers, 2)
      yield* up(workers[1])
      assert.isUndefined(opening.pollUnsafe())
      yield* up(workers[0])
      assert.isTrue(Exit.isSuccess(opening.pollUnsafe()!))
      const other = yield* puppets.make({ maxWorkers: 3, minWorkers: 2 })
      yield* up(other.workers[0])
      yield* die(other.workers[1])
      assert.isTrue(Exit.isFailure(other.opening.pollUnsafe()!))
    })
  )

  test(
    "starts a worker for each job that waits for one, up to maxWorkers",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(0, { maxWorkers: 3 })
      for (const expected of [1, 2, 3, 3]) {
        yield* submit(pool)
        assert.lengthOf(workers, expected)
      }
    })
  )
})

describe("a pool that closes", () => {
  test(
    "starts no worker and no spare any more, and stops those that there are",
    Effect.gen(function*() {
      const { close, pool, workers } = yield* puppets.open(2)
      const fibers = yield* Effect.forEach([1, 2, 3], () => submit(pool))
      workers[0]!.begin(1)
      yield* close
      assert.deepStrictEqual(workers.map(({ isAsked }) => isAsked), [true, true])
      assert.isTrue(fibers.every((fiber) => Exit.hasInterrupts(fiber.pollUnsafe()!)))
      assert.deepInclude(yield* pool.stats, { workers: 0, busy: 0, queued: 0, failed: 3, died: 0 })
    })
  )
})

describe("a pool that closes while a worker goes that was asked to", () => {
  test(
    "has the time for it that it gives to others",
    Effect.gen(function*() {
      const { close, pool, workers } = yield* puppets.open(1, { maxJobsPerWorker: 1, lingers: true })
      yield* submit(pool)
      yield* up(workers[1])
      workers[0]!.run(1, 1)
      yield* Effect.yieldNow
      assert.deepInclude(workers[0], { isAsked: true, isKilled: false })
      yield* Effect.forkChild(close, { startImmediately: true })
      yield* die(workers[0])
      assert.isFalse(workers[0]!.isKilled)
    })
  )
})

describe("a worker", () => {
  test(
    "that says twice that it is up has one job at a time",
    Effect.gen(function*() {
      const { pool, workers: [worker] } = yield* puppets.open(1)
      yield* submit(pool, "first")
      yield* up(worker)
      yield* submit(pool, "second")
      assert.deepStrictEqual(inputsOf(worker), ["first"])
    })
  )

  test(
    "that is idle for too long is asked to go, and killed where it does not",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, {
        minWorkers: 0,
        idleTimeToLive: Duration.seconds(10),
        lingers: true
      })
      const fiber = yield* submit(pool)
      const [worker] = workers
      yield* up(worker)
      worker!.run(1, 1)
      yield* Fiber.join(fiber)
      yield* pass(5_000)
      const next = yield* submit(pool)
      worker!.run(2, 1)
      yield* Fiber.join(next)
      yield* pass(9_999)
      assert.isFalse(worker!.isAsked)
      yield* pass(1)
      assert.isTrue(worker!.isAsked)
      yield* pass(999)
      assert.isFalse(worker!.isKilled)
      yield* pass(1)
      assert.isTrue(worker!.isKilled)
    })
  )

  test(
    "that has run its last job goes when its replacement is up, and not when another is",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, { maxWorkers: 2, maxJobsPerWorker: 1, lingers: true })
      yield* submit(pool)
      workers[0]!.run(1, 1)
      yield* submit(pool, "next")
      assert.lengthOf(workers, 3)
      yield* up(workers[1])
      assert.deepStrictEqual(inputsOf(workers[1]), ["next"])
      assert.isFalse(workers[0]!.isAsked)
      yield* up(workers[2])
      assert.deepInclude(workers[0], { isAsked: true, isKilled: false })
    })
  )

  test(
    "is not one of minWorkers when its setup has failed, though it is not gone",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, {
        maxWorkers: 2,
        idleTimeToLive: Duration.seconds(10),
        lingers: true
      })
      yield* Effect.forEach([1, 2], () => submit(pool))
      workers[1]!.emit([0])
      workers[1]!.say({ _tag: "SetupFailed", reason: "no setup" })
      workers[0]!.run(1, 1)
      workers[0]!.run(2, 1)
      yield* pass(10_000)
      assert.deepStrictEqual(workers.map(({ isAsked }) => isAsked), [false, false])
      assert.isTrue(workers[1]!.isKilled)
      assert.propertyVal(yield* pool.stats, "finished", 2)
    })
  )
})

describe("a worker that dies before it has run anything", () => {
  test(
    "is replaced at once, and where that dies likewise once a second, until one has run a job",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1)
      yield* die(workers[0])
      for (const expected of [2, 3]) {
        assert.lengthOf(workers, expected)
        yield* up(workers.at(-1))
        yield* die(workers.at(-1))
        yield* pass(999)
        assert.lengthOf(workers, expected)
        yield* pass(1)
      }
      yield* up(workers[3])
      yield* die(workers[3])
      const fiber = yield* submit(pool)
      assert.lengthOf(workers, 5)
      yield* up(workers[4])
      workers[4]!.run(1, 1)
      yield* Fiber.join(fiber)
      yield* pass(1000)
      yield* die(workers[4])
      assert.lengthOf(workers, 6)
      yield* up(workers[5])
      yield* die(workers[5])
      assert.lengthOf(workers, 7)
    })
  )
})

describe("a start that fails", () => {
  test(
    "is tried again after a second, while there is another worker",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, { maxWorkers: 2 })
      yield* submit(pool)
      workers[0]!.begin(1)
      yield* submit(pool, "second")
      yield* die(workers[1])
      yield* submit(pool, "third")
      yield* pass(999)
      assert.lengthOf(workers, 2)
      yield* pass(1)
      assert.lengthOf(workers, 3)
      yield* up(workers[2])
      assert.deepStrictEqual(inputsOf(workers[2]), ["second"])
    })
  )

  test(
    "is tried again once a second, though several fail in that time",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, { maxWorkers: 3 })
      yield* Effect.forEach([1, 2, 3], () => submit(pool))
      workers[0]!.begin(1)
      yield* die(workers[1])
      yield* pass(500)
      yield* die(workers[2])
      yield* pass(500)
      assert.lengthOf(workers, 5)
      yield* Effect.forEach(workers.slice(3), die)
      yield* pass(999)
      assert.lengthOf(workers, 5)
      yield* pass(1)
      assert.lengthOf(workers, 7)
    })
  )

  test(
    "is not tried again for a spare at once",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(2)
      const fibers = yield* Effect.forEach([1, 2], () => submit(pool))
      workers.slice(0, 2).forEach((worker) => worker.begin(1))
      yield* interrupt(fibers[0]!)
      assert.lengthOf(workers, 3)
      yield* die(workers[2])
      yield* interrupt(fibers[1]!)
      assert.lengthOf(workers, 3)
    })
  )

  test(
    "fails those who wait where all other workers have run their last job",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, { maxJobsPerWorker: 1 })
      yield* submit(pool)
      workers[0]!.run(1, 1)
      const fiber = yield* submit(pool)
      assert.isUndefined(fiber.pollUnsafe())
      yield* die(workers[1])
      assert.isTrue(Exit.isFailure(fiber.pollUnsafe()!))
    })
  )

  test(
    "is tried again for a job alone, where there is no other, and then at once",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1)
      yield* die(workers[0])
      assert.lengthOf(workers, 2)
      yield* die(workers[1])
      yield* pass(60_000)
      assert.lengthOf(workers, 2)
      for (const expected of [3, 4]) {
        const fiber = yield* submit(pool)
        assert.lengthOf(workers, expected)
        yield* die(workers.at(-1))
        assert.isTrue(Exit.isFailure(fiber.pollUnsafe()!))
      }
      const fiber = yield* submit(pool)
      yield* up(workers[4])
      workers[4]!.run(1, 1)
      yield* Fiber.join(fiber)
      yield* pass(1000)
      yield* die(workers[4])
      // As one has started, others are tried again for minWorkers.
      assert.lengthOf(workers, 6)
    })
  )

  test(
    "fails nobody who waits while a worker is there that will run a job",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(0, { maxWorkers: 2 })
      const fibers = [yield* submit(pool, "first"), yield* submit(pool, "second")]
      yield* die(workers[0])
      assert.deepStrictEqual(fibers.map((fiber) => fiber.pollUnsafe()), [undefined, undefined])
      yield* up(workers[1])
      assert.deepStrictEqual(inputsOf(workers[1]), ["first"])
    })
  )
})

describe("a spare", () => {
  test(
    "has the place of a worker that was stopped when a job waits, and no sooner",
    Effect.gen(function*() {
      const { pool, workers } = yield* openStopping({ minWorkers: 0 })
      yield* up(workers[1])
      yield* pass(1000)
      assert.isTrue(workers[0]!.isKilled)
      assert.strictEqual(yield* count(pool), 0)
      yield* submit(pool, "next")
      assert.strictEqual(yield* count(pool), 1)
      assert.deepStrictEqual(inputsOf(workers[1]), ["next"])
      // And there is another.
      assert.lengthOf(workers, 3)
    })
  )

  test(
    "has a place at once where there is one, and then no other worker is started for that job",
    Effect.gen(function*() {
      const { pool, workers } = yield* openStopping({ maxWorkers: 3 })
      yield* up(workers[1])
      yield* submit(pool, "next")
      assert.deepStrictEqual(inputsOf(workers[1]), ["next"])
      assert.strictEqual(yield* count(pool), 2)
      // The next spare.
      assert.lengthOf(workers, 3)
    })
  )

  test(
    "has a job that waits for another worker's start, if it is up first",
    Effect.gen(function*() {
      const { pool, workers } = yield* openStopping({ maxWorkers: 3 })
      yield* submit(pool, "next")
      assert.lengthOf(workers, 3)
      yield* up(workers[2])
      assert.deepStrictEqual(inputsOf(workers[2]), ["next"])
    })
  )

  test(
    "has the place of a worker that has run its last job rather than one which is not up",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, { maxJobsPerWorker: 1, cancelGrace: Duration.seconds(1) })
      const fiber = yield* submit(pool)
      workers[0]!.begin(1)
      yield* interrupt(fiber)
      assert.lengthOf(workers, 3)
      yield* up(workers[2])
      yield* pass(1000)
      assert.isTrue(workers[0]!.isKilled)
      yield* submit(pool, "next")
      assert.deepStrictEqual(inputsOf(workers[2]), ["next"])
    })
  )

  test(
    "runs nothing as long as the worker that it is for has not gone",
    Effect.gen(function*() {
      const { pool, workers } = yield* openStopping({ lingers: true })
      yield* up(workers[1])
      yield* pass(1000)
      yield* submit(pool, "next")
      assert.deepStrictEqual(inputsOf(workers[1]), [])
      assert.strictEqual(yield* count(pool), 1)
      yield* die(workers[0])
      assert.deepStrictEqual(inputsOf(workers[1]), ["next"])
    })
  )

  test(
    "has that place also where it is not up yet",
    Effect.gen(function*() {
      const { pool, workers } = yield* openStopping()
      yield* submit(pool, "next")
      yield* pass(1000)
      yield* up(workers[1])
      assert.deepStrictEqual(inputsOf(workers[1]), ["next"])
    })
  )

  test(
    "goes when it has been idle for too long, and there is none then",
    Effect.gen(function*() {
      const { workers } = yield* openStopping({
        cancelGrace: Duration.minutes(1),
        idleTimeToLive: Duration.seconds(10)
      })
      yield* up(workers[1])
      yield* pass(9_999)
      assert.isFalse(workers[1]!.isAsked)
      yield* pass(20_000)
      assert.isTrue(workers[1]!.isAsked)
      assert.lengthOf(workers, 2)
    })
  )

  test(
    "stays, however idle, that is to be one of minWorkers",
    Effect.gen(function*() {
      const { pool, workers } = yield* openStopping({ idleTimeToLive: Duration.seconds(10), lingers: true })
      yield* up(workers[1])
      yield* pass(1000)
      assert.isTrue(workers[0]!.isKilled)
      yield* pass(20_000)
      assert.isFalse(workers[1]!.isAsked)
      yield* die(workers[0])
      assert.strictEqual(yield* count(pool), 1)
      yield* pass(20_000)
      assert.isFalse(workers[1]!.isAsked)
    })
  )

  test(
    "stays, however idle, that is for a worker which runs its last job, and goes where it then has nothing to do",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1, {
        minWorkers: 0,
        maxJobsPerWorker: 1,
        idleTimeToLive: Duration.seconds(10)
      })
      const fiber = yield* submit(pool)
      yield* up(workers[0])
      workers[0]!.begin(1)
      yield* up(workers[1])
      yield* pass(20_000)
      assert.isFalse(workers[1]!.isAsked)
      workers[0]!.put(1)
      workers[0]!.tell()
      yield* Fiber.join(fiber)
      assert.isTrue(workers[0]!.isAsked)
      yield* pass(1)
      assert.isTrue(workers[1]!.isAsked)
      yield* pass(1)
      assert.strictEqual(yield* count(pool), 0)
    })
  )
})

describe("a worker that begins nothing of what it was sent", () => {
  test(
    "is stopped when that was seen twice, and what it was sent runs elsewhere",
    Effect.gen(function*() {
      const { pool, workers } = yield* puppets.open(1)
      const first = yield* submit(pool, "first")
      workers[0]!.run(1, 1)
      yield* Fiber.join(first)
      const second = yield* submit(pool, "second")
      yield* pass(2000)
      assert.isFalse(workers[0]!.isKilled)
      yield* pass(2000)
      assert.isTrue(workers[0]!.isKilled)
      yield* up(workers[1])
      assert.deepStrictEqual(inputsOf(workers[1]), ["second"])
      workers[1]!.run(1, 1, 7)
      assert.strictEqual(yield* Fiber.join(second), 7)
      assert.propertyVal(yield* pool.stats, "died", 0)
    })
  )

  test(
    "is let alone where it has begun it, or another, since",
    Effect.gen(function*() {
      const { pool, workers: [worker] } = yield* puppets.open(1)
      yield* submit(pool)
      yield* pass(2000)
      worker!.run(1, 1)
      yield* submit(pool)
      yield* pass(2000)
      worker!.begin(2)
      yield* pass(60_000)
      assert.isFalse(worker!.isKilled)
    })
  )

  test(
    "has twenty times as long to receive it as it took to send it",
    Effect.gen(function*() {
      for (const [sendMs, stillMs] of [[195, 2000], [300, 6000]] as const) {
        const { pool, workers: [worker] } = yield* puppets.open(1)
        worker!.sendMs = sendMs
        yield* submit(pool)
        yield* pass(stillMs)
        assert.isFalse(worker!.isKilled)
        yield* pass(2000)
        assert.isTrue(worker!.isKilled)
      }
    })
  )

  test(
    "is asked to hold that back where no memory is shared, each time that it is looked",
    Effect.gen(function*() {
      const asked: Array<readonly [number, number]> = []
      const { pool, workers: [worker] } = yield* puppets.open(1, {
        sharesMemory: false,
        holdBack: (...held) => void asked.push(held)
      })
      yield* submit(pool)
      yield* pass(2000)
      assert.deepStrictEqual(asked, [])
      yield* pass(2000)
      assert.deepStrictEqual(asked, [[1, 1]])
      worker!.reply(1, [{ _tag: "Succeeded", value: 1 }])
      yield* submit(pool)
      yield* pass(2000)
      assert.lengthOf(asked, 1)
      yield* pass(2000)
      assert.deepStrictEqual(asked.slice(1), [[1, 2]])
    })
  )
})

describe("an executor that closes", () => {
  it.effect("ends also what comes back to the queue because who is told of an end interrupts another", () =>
    Effect.gen(function*() {
      const { close, pool, workers } = yield* puppets.open(2, { maxJobsPerWorker: 1 })
      const [chunk, other] = yield* Effect.forEach(
        [[1, 2], [3]],
        (inputs) => Effect.forkChild(pool.execute(job("chunk"), inputs, { oneByOne: true }), { startImmediately: true })
      )
      const queued = yield* pool.submit(job("queued"), 4)
      queued.addObserver(() => other!.interruptUnsafe())
      workers.slice(0, 2).forEach((worker) => worker.begin(1))
      workers[0]!.put(1)
      yield* close
      assert.isDefined(chunk!.pollUnsafe())
    }))
})
