import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { Executor, ExecutorError, Future, ThreadExecutor } from "../lib/mod.ts"
import { exitAtGate, scratch, type Step, step, sum, wait } from "./jobs/ahead.ts"
import * as Board from "./jobs/board.ts"
import { work } from "./jobs/faults.ts"
import * as Notes from "./jobs/notes.ts"
import * as values from "./jobs/values.ts"
import { backEnds, makeNotes } from "./shared/backEnds.ts"
import { keepBusy, until, untilStats } from "./shared/until.ts"

/** Submits steps in one turn to workers that have found such steps to be short. */
const submitAll = Effect.fnUntraced(function*(does: ReadonlyArray<Step["does"]>) {
  const known = Board.make()
  yield* Effect.forEach(Array(200).keys(), (label) => Executor.run(step, { board: known, label, does: "return" }), {
    concurrency: 64
  })
  const board = Board.make()
  const fibers = yield* Effect.forEach(does, (does, label) => Executor.submit(step, { board, label, does }))
  return { board, fibers }
})

const returns = (times: number) => Array.from({ length: times }, () => "return" as const)

const sorted = (board: Board.Board) => Board.starts(board).toSorted((a, b) => a - b)

const echo = (value: unknown) => Executor.run(values.echo, value)

const live = (name: string, test: Effect.Effect<void, unknown, Executor.Executor>, workers = 2) =>
  it.live(name, () => Effect.provide(test, ThreadExecutor.layer({ maxWorkers: workers, minWorkers: workers })))

describe("jobs that are sent ahead of a free worker", () => {
  live(
    "do not wait behind one that takes long",
    Effect.gen(function*() {
      const { board, fibers } = yield* submitAll([...returns(10), "block", ...returns(30)])
      const [long] = fibers.splice(10, 1)
      const labels = yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(labels, Array.from(Array(41).keys()).toSpliced(10, 1))
      assert.isUndefined(long!.pollUnsafe())
      Board.openGate(board)
      assert.strictEqual(yield* Fiber.join(long!), 10)
      assert.deepStrictEqual(sorted(board), Array.from(Array(41).keys()))
    })
  )

  live(
    "run once each, whatever becomes of those that were sent with them",
    Effect.gen(function*() {
      const { board, fibers } = yield* submitAll([...returns(20), "exit", ...returns(20), "exit", ...returns(20)])
      const exits = yield* Effect.forEach(fibers, Fiber.await)
      const failed = exits.flatMap((exit, label) => Exit.isFailure(exit) ? label : [])
      assert.deepStrictEqual(failed, [20, 41])
      assert.instanceOf(yield* Effect.flip(Fiber.join(fibers[20]!)), ExecutorError.WorkerDied)
      assert.deepStrictEqual(sorted(board), Array.from(Array(62).keys()))
    })
  )

  live(
    "are not stopped with one that has ended, whose reply the program is too busy to hear when that is interrupted",
    Effect.gen(function*() {
      const known = Board.make()
      Board.openGate(known)
      yield* Effect.forEach(Array(200).keys(), (label) => Executor.run(wait, { board: known, label, ms: 0 }))
      const board = Board.make()
      const ended = yield* Executor.submit(wait, { board, label: 0, ms: 0 })
      const next = yield* Executor.submit(wait, { board, label: 1, ms: 100 })
      yield* Effect.yieldNow
      Board.openGate(board)
      keepBusy(1000, () => Board.started(board) === 2)
      ended.interruptUnsafe()
      keepBusy(50)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(ended)))
      assert.deepStrictEqual(yield* Fiber.join(next), { label: 1 })
      assert.deepStrictEqual(Board.starts(board), [0, 1])
    }),
    1
  )

  live(
    "never start when they are interrupted before",
    Effect.gen(function*() {
      const { board, fibers } = yield* submitAll(["block", "block", ...returns(20)])
      yield* until(() => [0, 1].every((label) => Board.starts(board).includes(label)))
      const started = sorted(board)
      yield* Fiber.interruptAll(fibers.slice(2))
      Board.openGate(board)
      yield* Fiber.joinAll(fibers.slice(0, 2))
      assert.deepStrictEqual(sorted(board), started)
    })
  )

  live(
    "have no limit for how long they wait: one that has is not taken for begun",
    Effect.gen(function*() {
      const { board, fibers: [long] } = yield* submitAll(["block"])
      const waits = yield* Executor.submit(step, { board, label: 1, does: "return" }, {
        deadline: { queued: "20 millis" }
      })
      const error = yield* Effect.flip(Fiber.join(waits))
      assert.propertyVal(error, "_tag", "DeadlineExceeded")
      Board.openGate(board)
      assert.strictEqual(yield* Fiber.join(long!), 0)
      assert.deepStrictEqual(Board.starts(board), [0])
    }),
    1
  )

  live(
    "do not pass one that cannot be",
    Effect.gen(function*() {
      yield* submitAll([])
      const board = Board.make()
      const labels = Array.from(Array(40).keys())
      const fibers = yield* Effect.forEach(
        labels,
        (label) =>
          Executor.submit(
            step,
            { board, label, does: "return" },
            label === 5 ? { deadline: { total: "1 minute" } } : {}
          )
      )
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(Board.starts(board), labels)
    }),
    1
  )

  live(
    "let a job of higher priority go first",
    Effect.gen(function*() {
      const { board, fibers } = yield* submitAll(["block", ...returns(20)])
      yield* until(() => Board.running(board) === 1)
      const urgent = yield* Executor.submit(step, { board, label: 99, does: "return" }, { priority: 1 })
      Board.openGate(board)
      yield* Future.wait([...fibers, urgent])
      // Every fourth turn is that of the job that has waited longest.
      assert.isAtMost(Board.starts(board).indexOf(99), 2)
    }),
    1
  )
})

describe("jobs of several kinds, sent in one turn", () => {
  live(
    "each run as what they are",
    Effect.gen(function*() {
      const mixed = Effect.forEach(
        Array(600).keys(),
        (n) => n % 3 === 1 ? echo(n) : Executor.run(values.square, n),
        { concurrency: 64 }
      )
      assert.deepStrictEqual(yield* mixed, Array.from({ length: 600 }, (_, n) => n % 3 === 1 ? n : n * n))
    }),
    1
  )
})

/** Whether two workers start more jobs than one each while this thread sends nothing, and does not turn. */
const startMoreThanOneEach = (board: Board.Board) => {
  const asleep = new Int32Array(new SharedArrayBuffer(4))
  const before = Board.started(board)
  for (let n = 0; n < 100 && Board.started(board) <= before + 2; n++) Atomics.wait(asleep, 0, 0, 1)
  return Board.started(board) > before + 2
}

describe("jobs of more than one priority", () => {
  live(
    "are sent ahead again when all were done once",
    Effect.gen(function*() {
      yield* Executor.run(values.square, 1, { priority: 1 })
      // A busy machine may take them for long once.
      yield* Effect.gen(function*() {
        const { board, fibers } = yield* submitAll(returns(500))
        yield* Effect.yieldNow
        const areAhead = startMoreThanOneEach(board)
        yield* Fiber.joinAll(fibers)
        return areAhead
      }).pipe(Effect.repeat({ until: (areAhead) => areAhead }))
    })
  )
})

describe("an input that cannot be sent", () => {
  live(
    "costs its job alone, though its caller goes on at once",
    Effect.gen(function*() {
      yield* Effect.forEach(Array(200).keys(), (n) => Effect.all([echo(n), Executor.run(values.square, n)]), {
        concurrency: 64
      })
      const rounds = yield* Effect.forEach(Array(20).keys(), (n) =>
        Effect.all([
          Effect.catchTag(echo(() => {}), "CloneError", () => Effect.all([echo(n), Executor.run(values.square, n)])),
          Executor.run(values.square, n),
          echo(n)
        ], { concurrency: "unbounded" }))
      assert.deepStrictEqual(rounds, rounds.map((_, n) => [[n, n * n], n * n, n]))
    })
  )

  it.live("goes with its caller, and so do the items that wait for the same worker", () =>
    Effect.gen(function*() {
      const caller = yield* Executor.Executor.use((executor) => executor.execute(values.echo, [() => {}, 1, 2])).pipe(
        Effect.forkChild({ startImmediately: true })
      )
      yield* Fiber.interrupt(caller)
      assert.strictEqual(yield* echo(3), 3)
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, minWorkers: 1, maxJobsPerWorker: 2 }))))

  it.live("costs its job alone where its worker dies of it", () =>
    Effect.gen(function*() {
      const large = Array.from({ length: 400_000 }, (_, n) => ({ n }))
      const [died, ...others] = yield* Effect.all([
        Effect.flip(echo(large)),
        ...Array.from({ length: 10 }, (_, n) => Executor.run(values.square, n))
      ], { concurrency: "unbounded" })
      assert.instanceOf(died, ExecutorError.WorkerDied)
      assert.deepStrictEqual(others, others.map((_, n) => n * n))
    }).pipe(
      Effect.provide(ThreadExecutor.layer({ maxWorkers: 2, resourceLimits: { maxOldGenerationSizeMb: 12 } }))
    ))
})

describe("Executor.map, chunkSize", () => {
  it.live("holds one buffer for what each item of a chunk needs by the way", () =>
    Effect.gen(function*() {
      const held = yield* Stream.range(1, 50).pipe(
        Executor.map(scratch, { chunkSize: 50 }),
        Stream.runFold(() => 0, Math.max)
      )
      assert.isBelow(held, 10 * 1_000_000)
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))))

  for (const [concurrency, started] of [[1, 1], [2, 20]] as const) {
    live(
      `has at most \`concurrency\` jobs run, whatever stands behind a long one: ${concurrency} on two workers`,
      Effect.gen(function*() {
        yield* submitAll([])
        const board = Board.make()
        const fiber = yield* Stream.fromIterable<Step["does"]>(["block", ...returns(19)]).pipe(
          Stream.map((does, label) => ({ board, does, label })),
          Executor.map(step, { chunkSize: 20, concurrency }),
          Stream.runDrain,
          Effect.forkChild
        )
        yield* until(() => Board.started(board) === started)
        yield* Effect.sleep("20 millis")
        assert.strictEqual(Board.started(board), started)
        Board.openGate(board)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(sorted(board), Array.from(Array(20).keys()))
      })
    )
  }
})

describe("items that go one by one", () => {
  live(
    "go on when the one before ends just as another job is interrupted",
    Effect.gen(function*() {
      yield* submitAll([])
      const [board, other] = [Board.make(), Board.make()]
      const inputs = (["block", "return", "return"] as const).map((does, label) => ({ board, does, label }))
      const { execute } = yield* Executor.Executor
      const fiber = yield* Effect.forkChild(execute(step, inputs, { oneByOne: true }))
      const long = yield* Executor.submit(step, { board: other, does: "block", label: 0 })
      yield* until(() => Board.started(board) === 1 && Board.started(other) === 1)
      yield* Effect.sleep("20 millis")
      yield* Effect.sync(() => {
        Board.openGate(board)
        // Without a turn of the event loop, in which its end would be seen.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
      })
      yield* Fiber.interrupt(long)
      const { exits } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exits, [0, 1, 2].map((label) => Exit.succeed(label)))
    })
  )
})

describe("an item that goes alone, for one of its chunk may be at fault", () => {
  live(
    "is not blamed for what the item before has left behind",
    Effect.gen(function*() {
      const gate = new Int32Array(new SharedArrayBuffer(4))
      const { execute } = yield* Executor.Executor
      yield* Executor.run(exitAtGate, { gate, label: 1 })
      const inputs = [2, 3].map((label) => ({ gate, label }))
      const fiber = yield* Effect.forkChild(execute(exitAtGate, inputs), { startImmediately: true })
      yield* Effect.forEach(
        [1, 2],
        (label) =>
          Effect.andThen(
            untilStats(({ finished }) => finished === label),
            Effect.sync(() => Atomics.store(gate, 0, label))
          )
      )
      const { exits } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exits, [2, 3].map((label) => Exit.succeed(label)))
    }),
    1
  )
})

for (const { layer, name } of backEnds) {
  describe(`${name}, chunkSize "auto"`, () => {
    it.live("gives results in order, and runs no item twice, whatever stands behind a long one", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const numbers = Array.from({ length: 600 }, (_, n) => n)
        const squares = yield* Stream.fromIterable(numbers).pipe(
          Stream.map((n) => ({ notes, n, ms: n % 97 === 96 ? 30 : n % 7 === 0 ? 1 : 0 })),
          Executor.map(work, { chunkSize: "auto" }),
          Stream.runCollect
        )
        assert.deepStrictEqual(squares, numbers.map((n) => n * n))
        assert.deepStrictEqual(Notes.lines(notes).map(Number).toSorted((a, b) => a - b), numbers)
      }).pipe(Effect.provide(layer({ maxWorkers: 2 }))))
  })
}

describe("Executor.run, transfer", () => {
  live(
    "moves buffers of the input to the worker",
    Effect.gen(function*() {
      const array = Float64Array.of(1, 2, 3)
      assert.strictEqual(yield* Executor.run(sum, array, { transfer: [array.buffer] }), 6)
      assert.strictEqual(array.length, 0)
      const error = yield* Effect.flip(Executor.run(sum, array, { transfer: [array.buffer] }))
      assert.instanceOf(error, ExecutorError.CloneError)
    })
  )

  live(
    "moves with each message the buffers of its own inputs, of more than one message takes",
    Effect.gen(function*() {
      const arrays = Array.from({ length: 3000 }, (_, n) => Float64Array.of(n, 1))
      const transfer = arrays.map(({ buffer }) => buffer)
      const { exits } = yield* Executor.Executor.use((executor) => executor.execute(sum, arrays, { transfer }))
      assert.deepStrictEqual(exits, arrays.map((_, n) => Exit.succeed(n + 1)))
      assert.isTrue(transfer.every(({ detached }) => detached))
    })
  )

  live(
    "moves the buffers of jobs, too, that are known to be short and sent in one turn",
    Effect.gen(function*() {
      yield* Effect.forEach(Array(200).keys(), (n) => Executor.run(sum, Float64Array.of(n)), { concurrency: 64 })
      const arrays = Array.from({ length: 100 }, (_, n) => Float64Array.of(n, 1))
      const sums = yield* Effect.forEach(arrays, (array) => Executor.run(sum, array, { transfer: [array.buffer] }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(sums, arrays.map((_, n) => n + 1))
      assert.isTrue(arrays.every(({ length }) => length === 0))
    })
  )

  live(
    "moves a buffer once that is named twice",
    Effect.gen(function*() {
      const array = Float64Array.of(3, 1)
      assert.strictEqual(yield* Executor.run(sum, array, { transfer: [array.buffer, array.buffer] }), 4)
      assert.isTrue(array.buffer.detached)
    })
  )

  live(
    "refuses what cannot move, and to run again what has moved",
    Effect.gen(function*() {
      const array = Float64Array.of(1)
      const refusal = (options: object) => Effect.flip(Executor.run(sum, array, options))
      for (const transfer of [[array], array.buffer, [undefined], null]) {
        assert.include((yield* refusal({ transfer })).message, "transfer must be an array of ArrayBuffers: received")
      }
      assert.include(
        (yield* refusal({ transfer: [array.buffer], retryWorkerDeath: 1 })).message,
        "retryWorkerDeath must be 0 with transfer, for what has moved cannot be sent again: received 1"
      )
      assert.strictEqual(array.length, 1)
    })
  )
})
