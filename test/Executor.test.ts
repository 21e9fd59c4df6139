import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Ref, Stream } from "effect"
import * as fc from "fast-check"
import { setImmediate } from "node:timers/promises"
import { sin } from "../lib/jobs/sin.ts"
import { Executor, ExecutorError, InlineExecutor, Job } from "../lib/mod.ts"
import * as Board from "./jobs/board.ts"
import * as effects from "./jobs/effects.ts"
import { deaf } from "./jobs/endless.ts"
import * as values from "./jobs/values.ts"
import { until } from "./shared/until.ts"

const three = Effect.provide(InlineExecutor.layer({ maxWorkers: 3 }))

describe("the types of an executor", () => {
  it("refuse an input that the job does not take", () => {
    // @ts-expect-error: count is a number
    void Executor.run(sin, { count: "x" })
    // @ts-expect-error: count is missing
    void Executor.submit(sin, {})
    // @ts-expect-error: the values are no numbers
    void Executor.use(sin, { count: 1 }, (sines: Array<string>) => Effect.succeed(sines))
    // @ts-expect-error: the Stream's items are no numbers
    void Stream.make("x").pipe(Executor.map(values.square))
  })

  it("know what a job succeeds and fails with", () => {
    expectTypeOf(Executor.run(sin, { count: 1 })).toEqualTypeOf<
      Effect.Effect<Float64Array<ArrayBuffer>, ExecutorError.ExecutorError, Executor.Executor>
    >()
    expectTypeOf(Executor.run(effects.half, 1)).toEqualTypeOf<
      Effect.Effect<
        number,
        effects.TooSmall | effects.Odd | ExecutorError.ExecutorError,
        Executor.Executor
      >
    >()
    expectTypeOf(Executor.submit(values.squareLater, 1)).toEqualTypeOf<
      Effect.Effect<Fiber.Fiber<number, ExecutorError.ExecutorError>, never, Executor.Executor>
    >()
    expectTypeOf(Executor.use(sin, { count: 1 }, (sines) => Effect.succeed(sines.length))).toEqualTypeOf<
      Effect.Effect<number, ExecutorError.ExecutorError, Executor.Executor>
    >()
  })

  it("know what a Stream of jobs gives", () => {
    expectTypeOf(Stream.make(1).pipe(Executor.map(effects.half))).toEqualTypeOf<
      Stream.Stream<
        number,
        effects.TooSmall | effects.Odd | ExecutorError.ExecutorError,
        Executor.Executor
      >
    >()
    expectTypeOf(Stream.make(1).pipe(Executor.mapExit(values.square))).toEqualTypeOf<
      Stream.Stream<
        Exit.Exit<number, ExecutorError.ExecutorError>,
        ExecutorError.InvalidOptions,
        Executor.Executor
      >
    >()
  })
})

describe("Executor.execute", () => {
  it.live("runs the inputs that it was handed, whatever becomes of their array while they wait", () =>
    Effect.gen(function*() {
      const executor = yield* Executor.Executor
      const inputs = [1, 2, 3]
      const executing = yield* Effect.forkChild(executor.execute(values.square, inputs), { startImmediately: true })
      inputs.splice(0, 2)
      const { exits } = yield* Fiber.join(executing)
      assert.deepStrictEqual(exits, [1, 4, 9].map((square) => Exit.succeed(square)))
    }).pipe(three))
})

describe("an endless source", () => {
  const integers = Stream.iterate(0, (n) => n + 1)

  for (const unordered of [true, false]) {
    it.live(`runs no more than 13 jobs for take(10): Stream.mapEffect, unordered: ${unordered}`, () =>
      Effect.gen(function*() {
        const board = Board.make()
        const labels = yield* integers.pipe(
          Stream.mapEffect((label) => Executor.run(values.note, { board, label }), { concurrency: 3, unordered }),
          Stream.take(10),
          Stream.runCollect
        )
        yield* Executor.drain
        assert.strictEqual(labels.length, 10)
        assert.isAtMost(Board.started(board), 13)
      }).pipe(three))

    it.live(`runs no more than 13 jobs for take(10): Executor.map, unordered: ${unordered}`, () =>
      Effect.gen(function*() {
        const board = Board.make()
        const labels = yield* integers.pipe(
          Stream.map((label) => ({ board, label })),
          Executor.map(values.note, { concurrency: 3, unordered }),
          Stream.take(10),
          Stream.runCollect
        )
        yield* Executor.drain
        assert.strictEqual(labels.length, 10)
        assert.isAtMost(Board.started(board), 13)
      }).pipe(three))
  }
})

describe("Executor.map", () => {
  const numbers = Array.from({ length: 100 }, (_, n) => n)
  const squares = numbers.map((n) => n * n)

  for (const chunkSize of [1, 7, 1000, "auto"] as const) {
    it.live(`keeps the order and loses nothing: chunkSize ${chunkSize}`, () =>
      Effect.gen(function*() {
        const results = yield* Stream.fromIterable(numbers).pipe(
          Executor.map(values.squareLater, { chunkSize }),
          Stream.runCollect
        )
        assert.deepStrictEqual(results, squares)
        assert.propertyVal(yield* Executor.stats, "finished", 100)
      }).pipe(three))

    it.live(`loses nothing out of order: chunkSize ${chunkSize}`, () =>
      Effect.gen(function*() {
        const results = yield* Stream.fromIterable(numbers).pipe(
          Executor.map(values.squareLater, { chunkSize, unordered: true }),
          Stream.runCollect
        )
        assert.deepStrictEqual(results.toSorted((a, b) => a - b), squares)
      }).pipe(three))
  }

  it.live("runs jobs that take long one by one: chunkSize auto", () =>
    Effect.gen(function*() {
      const events: Array<Executor.JobEvent> = []
      yield* Stream.range(1, 5).pipe(
        Stream.map(() => ({ ms: 10 })),
        Executor.map(values.rest, { chunkSize: "auto", concurrency: 1 }),
        Stream.runDrain,
        observing(events)
      )
      const tags = events.map(({ _tag }) => _tag)
      const one = ["Submitted", "Started", "Settled"]
      assert.deepStrictEqual(tags, [...one, ...one, ...one, ...one, ...one])
    }).pipe(three))

  it.live("goes on in chunks after a job that takes long among quick ones: chunkSize auto", () =>
    Effect.gen(function*() {
      const chunks: Array<number> = []
      const executor = yield* Executor.Executor
      const timed = Executor.Executor.of({
        ...executor,
        execute: (job, inputs, options) =>
          Effect.map(executor.execute(job, inputs, options), (settled) => {
            chunks.push(inputs.length)
            return { ...settled, runMs: chunks.length === 10 ? 20 : 1 }
          })
      })
      yield* Stream.fromIterable(numbers).pipe(
        Executor.map(values.square, { chunkSize: "auto", concurrency: 1 }),
        Stream.runDrain,
        Effect.provideService(Executor.Executor, timed)
      )
      assert.strictEqual(chunks[9], 5)
      assert.isAtLeast(Math.min(...chunks.slice(10, -1)), 2)
    }).pipe(three))

  it.live("ends when none of its jobs is at work any more", () =>
    Effect.gen(function*() {
      let atWork = 0
      const executor = yield* Executor.Executor
      const slow = Executor.Executor.of({
        ...executor,
        execute: (job, inputs, options) =>
          Effect.acquireUseRelease(
            Effect.sync(() => atWork++),
            () => executor.execute(job, inputs, options),
            () => Effect.delay(Effect.sync(() => atWork--), 5)
          )
      })
      yield* Stream.iterate(1, (n) => n + 1).pipe(
        Executor.map(values.squareLater, { concurrency: 2 }),
        Stream.take(11),
        Stream.runDrain,
        Effect.provideService(Executor.Executor, slow)
      )
      assert.strictEqual(atWork, 0)
    }).pipe(three))

  it.live("gives an empty Stream for an empty Stream", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Stream.empty.pipe(Executor.map(values.square), Stream.runCollect), [])
    }).pipe(three))

  it.live("runs as many messages at once as there can be workers, or as `concurrency` says", () =>
    Effect.gen(function*() {
      for (const concurrency of [undefined, 2]) {
        const board = Board.make()
        const fiber = yield* Stream.range(1, 8).pipe(
          Stream.map((label) => ({ board, label })),
          Executor.map(values.hold, concurrency === undefined ? {} : { concurrency }),
          Stream.runDrain,
          Effect.forkChild
        )
        yield* until(() => Board.started(board) === (concurrency ?? 3))
        Board.openGate(board)
        yield* Fiber.join(fiber)
        assert.strictEqual(Board.mostRunning(board), concurrency ?? 3)
      }
    }).pipe(three))

  it.live("emits what is done out of order when it may, and only then", () =>
    Effect.gen(function*() {
      for (const unordered of [true, false]) {
        const board = Board.make()
        const read = yield* Ref.make<ReadonlyArray<number>>([])
        const slowFirst = Job.make(import.meta, `slowFirst${unordered}`, async (label: number) => {
          Board.enter(board, label)
          if (label === 0) await Board.atGate(board)
          Board.leave(board)
          return label
        })
        const fiber = yield* Stream.range(0, 2).pipe(
          Executor.map(slowFirst, { unordered }),
          Stream.runForEach((label) => Ref.update(read, (labels) => [...labels, label])),
          Effect.forkChild
        )
        yield* until(() => Board.ended(board) === 2)
        yield* Effect.promise(() => setImmediate())
        assert.deepStrictEqual(yield* Ref.get(read), unordered ? [1, 2] : [])
        Board.openGate(board)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(yield* Ref.get(read), unordered ? [1, 2, 0] : [0, 1, 2])
      }
    }).pipe(three))

  it.live("emits what comes before the first item that fails, then fails: also within a chunk", () =>
    Effect.gen(function*() {
      const inOrder = [1, 2, 6].map((chunkSize) => ({ chunkSize, concurrency: 1 }))
      for (const options of [...inOrder, { chunkSize: 6, unordered: true }]) {
        const read: Array<number> = []
        const error = yield* Stream.make(1, 4, 9, -16, 25, -36).pipe(
          Executor.map(values.root, options),
          Stream.runForEach((n) => Effect.sync(() => read.push(n))),
          Effect.flip
        )
        assert.strictEqual(error.message, "no root of -16")
        assert.deepStrictEqual(read, [1, 2, 3])
      }
    }).pipe(three))

  it.live("fails with the first item that fails while others never end", () =>
    Effect.gen(function*() {
      const options = [{ chunkSize: 1, concurrency: 2 }, { chunkSize: 6 }]
      for (const [n, mapOptions] of options.flatMap((each) => [each, { ...each, unordered: true }]).entries()) {
        const board = Board.make()
        const failSecond = Job.make(import.meta, `failSecond${n}`, (n: number) => {
          if (n === 1) throw new Error("the second")
          return deaf.run(board, {} as Job.Context)
        })
        const error = yield* Stream.range(0, 5).pipe(
          Executor.map(failSecond, mapOptions),
          Stream.runDrain,
          Effect.flip
        )
        assert.strictEqual(error.message, "the second")
        yield* Executor.drain
      }
    }).pipe(three))

  it.live("fails with the last of a chunk, which stopped those before it: with maxBufferedBytes", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const failLast = Job.make(import.meta, "failLast", (n: number) => {
        if (n === 2) throw new Error("the last")
        return deaf.run(board, {} as Job.Context)
      })
      const error = yield* Stream.make(1, 2).pipe(
        Executor.map(failLast, { chunkSize: 2, unordered: true, maxBufferedBytes: 1000 }),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error.message, "the last")
    }).pipe(three))

  it.live("fails with the source's own failure", () =>
    Effect.gen(function*() {
      const error = yield* Stream.make(1, 2).pipe(
        Stream.concat(Stream.fail("no more" as const)),
        Executor.map(values.square),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error, "no more")
    }).pipe(three))

  it.live("refuses options by name before it pulls anything", () =>
    Effect.gen(function*() {
      let pulled = false
      const source = Stream.fromEffect(Effect.sync(() => {
        pulled = true
        return 1
      }))
      const message = Effect.fnUntraced(function*(options: Record<string, unknown>) {
        const mapped = yield* source.pipe(Executor.map(values.square, options), Stream.runDrain, Effect.flip)
        const exits = yield* source.pipe(Executor.mapExit(values.square, options), Stream.runDrain, Effect.flip)
        assert.instanceOf(mapped, ExecutorError.InvalidOptions)
        assert.deepStrictEqual(exits, mapped)
        return mapped.message
      })
      assert.strictEqual(yield* message({ concurrency: 0 }), "concurrency must be a positive integer: received 0")
      assert.strictEqual(yield* message({ concurrency: 1.5 }), "concurrency must be a positive integer: received 1.5")
      assert.strictEqual(
        yield* message({ concurrency: "unbounded" }),
        `concurrency must be a positive integer: received "unbounded"`
      )
      assert.strictEqual(yield* message({ chunkSize: 0 }), "chunkSize must be a positive integer: received 0")
      assert.strictEqual(
        yield* message({ chunkSize: "large" }),
        `chunkSize must be a positive integer or "auto": received "large"`
      )
      assert.strictEqual(
        yield* message({ maxBufferedBytes: -1 }),
        "maxBufferedBytes must be a positive integer: received -1"
      )
      assert.strictEqual(
        yield* message({ unordered: "false" }),
        `unordered must be true or false: received "false"`
      )
      assert.isFalse(pulled)
    }).pipe(three))

  it.live("with maxBufferedBytes, runs no job whose result would pass the limit while others are unread", () =>
    Effect.gen(function*() {
      const unreadWith = Effect.fnUntraced(function*(options: Executor.MapOptions, sizes = [1000]) {
        const board = Board.make()
        const bytes = Job.make(import.meta, `bytes${options.maxBufferedBytes}`, (label: number, context) => {
          Board.enter(board, label)
          Board.leave(board)
          return context.allocate(Uint8Array, sizes[label % sizes.length]!)
        })
        let read = 0
        let mostUnread = 0
        yield* Stream.range(1, 30).pipe(
          Executor.map(bytes, { concurrency: 3, ...options }),
          Stream.runForEach(() =>
            Effect.gen(function*() {
              read++
              for (let turn = 0; turn < 5; turn++) yield* Effect.promise(() => setImmediate())
              // The first results tell how large one is.
              if (read > 15) mostUnread = Math.max(mostUnread, Board.started(board) - read)
            })
          )
        )
        assert.strictEqual(read, 30)
        return mostUnread
      })
      assert.isAtLeast(yield* unreadWith({}), 3)
      assert.strictEqual(yield* unreadWith({ maxBufferedBytes: 1500 }), 1)
      assert.strictEqual(yield* unreadWith({ maxBufferedBytes: 10 }), 1)
      assert.strictEqual(yield* unreadWith({ maxBufferedBytes: 1500, unordered: true }), 1)
      assert.strictEqual(yield* unreadWith({ maxBufferedBytes: 1503 }, [1000, 1, 1]), 1)
      assert.isAtMost(yield* unreadWith({ maxBufferedBytes: 1501, chunkSize: 3 }), 3)
      assert.isAtMost(yield* unreadWith({ maxBufferedBytes: 1502, chunkSize: "auto" }), 1)
      assert.isAtMost(yield* unreadWith({ maxBufferedBytes: 4500, chunkSize: "auto" }), 4)
    }).pipe(three))

  it.live("with maxBufferedBytes, ends though a chunk that needs all the room is followed by a small one", () =>
    Effect.gen(function*() {
      const bytes = Job.make(import.meta, "bytesInTurn", (n: number, context) => context.allocate(Uint8Array, n))
      const results = yield* Stream.range(1, 60).pipe(
        Stream.mapEffect((n) => Effect.succeed(Array<number>(n % 3 === 0 ? 4 : 1).fill(1000))),
        Stream.flattenIterable,
        Executor.map(bytes, { chunkSize: "auto", concurrency: 3, maxBufferedBytes: 4000 }),
        Stream.tap(() => Effect.sleep(1)),
        Stream.runCount,
        Effect.timeout("4 seconds")
      )
      assert.strictEqual(results, 120)
    }).pipe(three))
})

describe("Executor.mapExit", () => {
  for (const chunkSize of [1, 3] as const) {
    it.live(`gives each item's Exit in its place and goes on: chunkSize ${chunkSize}`, () =>
      Effect.gen(function*() {
        const results = yield* Stream.make(1, -4, 9, 16, -25).pipe(
          Executor.mapExit(values.root, { chunkSize }),
          Stream.map((exit) => Exit.isSuccess(exit) ? exit.value : (Cause.squash(exit.cause) as Error).message),
          Stream.runCollect
        )
        assert.deepStrictEqual(results, [1, "no root of -4", 3, 4, "no root of -25"])
      }).pipe(three))
  }

  it.live("fails with the source's own failure", () =>
    Effect.gen(function*() {
      const error = yield* Stream.fail("no more").pipe(Executor.mapExit(values.square), Stream.runDrain, Effect.flip)
      assert.strictEqual(error, "no more")
    }).pipe(three))
})

/** Collects what an observer is told. */
const observing = (events: Array<Executor.JobEvent>) =>
  Effect.provideService(Executor.JobObserver, (event) => void events.push(event))

describe("Executor.JobObserver", () => {
  it.live("is told of each job: submitted, started, settled", () =>
    Effect.gen(function*() {
      const events: Array<Executor.JobEvent> = []
      yield* Executor.run(sin, { count: 10 }).pipe(observing(events))
      yield* Effect.exit(Executor.run(values.root, -1)).pipe(observing(events))
      assert.deepStrictEqual(events.map(({ _tag, id }) => [_tag, id - events[0]!.id]), [
        ["Submitted", 0],
        ["Started", 0],
        ["Settled", 0],
        ["Submitted", 1],
        ["Started", 1],
        ["Settled", 1]
      ])
      const [first, second] = events.filter((event) => event._tag === "Settled")
      assert.deepInclude(first, { status: "succeeded", workerId: 1, resultBytes: 80, error: undefined })
      assert.deepInclude(second, { status: "failed", workerId: 1, resultBytes: 0, error: "no root of -1" })
    }).pipe(three))

  it.live("is told the name of a failure that has no message", () =>
    Effect.gen(function*() {
      const events: Array<Executor.JobEvent> = []
      yield* Effect.exit(Executor.run(effects.failOdd, undefined)).pipe(observing(events))
      assert.deepInclude(events.at(-1), { status: "failed", error: "Odd" })
    }).pipe(three))

  it.live("is told of each item of a chunk by its own number", () =>
    Effect.gen(function*() {
      const events: Array<Executor.JobEvent> = []
      yield* Stream.make(1, -4, 9, 16, 25).pipe(
        Executor.mapExit(values.root, { chunkSize: 2 }),
        Stream.runDrain,
        observing(events)
      )
      const settled = events.filter((event) => event._tag === "Settled").toSorted((a, b) => a.id - b.id)
      assert.deepStrictEqual(
        settled.map(({ id, status }) => [id - settled[0]!.id, status]),
        [[0, "succeeded"], [1, "failed"], [2, "succeeded"], [3, "succeeded"], [4, "succeeded"]]
      )
    }).pipe(three))

  it.live("is told the whole bytes of each result of a chunk", () =>
    Effect.gen(function*() {
      const events: Array<Executor.JobEvent> = []
      yield* Stream.make(1, 2, 4).pipe(
        Stream.map((count) => ({ count, n: 0 })),
        Executor.map(values.bytes, { chunkSize: 3 }),
        Stream.runDrain,
        observing(events)
      )
      const sizes = events.flatMap((event) => event._tag === "Settled" ? [event.resultBytes] : [])
      assert.deepStrictEqual(sizes, [1, 2, 4])
    }).pipe(three))

  it.live("is told of a job that is interrupted before it starts", () =>
    Effect.gen(function*() {
      const events: Array<Executor.JobEvent> = []
      const board = Board.make()
      const held = yield* Effect.forEach([1, 2, 3], (label) => Executor.submit(values.hold, { board, label }))
      const queued = yield* Executor.submit(values.note, { board, label: 4 }).pipe(observing(events))
      yield* Fiber.interrupt(queued)
      Board.openGate(board)
      yield* Fiber.joinAll(held)
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Submitted", "Settled"])
      assert.deepInclude(events[1], { status: "interrupted", workerId: undefined, startedAt: undefined })
    }).pipe(three))
})

/**
 * Jobs that a test ends one by one, in an order of its choice.
 */
class Jobs {
  readonly #waiting: Array<() => void> = []
  running = 0
  mostRunning = 0
  readonly runs: Array<number> = []

  readonly job = Job.make(import.meta, `controlled${Math.random()}`, async (n: number) => {
    this.runs.push(n)
    this.mostRunning = Math.max(this.mostRunning, ++this.running)
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.running--
    if (n % 5 === 4) throw new Error(`no ${n}`)
    return n
  })

  /** Ends jobs until `isDone`; `choices` says which of the running ones is next. */
  async endAll(choices: ReadonlyArray<number>, isDone: () => boolean): Promise<void> {
    for (let at = 0; !isDone(); at++) {
      for (let turn = 0; turn < 4; turn++) await setImmediate()
      const [end] = this.#waiting.splice((choices[at % choices.length] ?? 0) % this.#waiting.length, 1)
      end?.()
    }
  }
}

describe("whatever the jobs take and however many may run", () => {
  it("never too many run, each settles once, and ordered output keeps its order", async () => {
    const property = fc.asyncProperty(
      fc.record({
        count: fc.integer({ min: 0, max: 12 }),
        choices: fc.array(fc.nat({ max: 10 }), { minLength: 1, maxLength: 12 }),
        maxWorkers: fc.integer({ min: 1, max: 4 }),
        concurrency: fc.integer({ min: 1, max: 5 }),
        chunkSize: fc.constantFrom(1, 2, 3, "auto" as const),
        unordered: fc.boolean()
      }),
      async ({ choices, count, maxWorkers, ...options }) => {
        const jobs = new Jobs()
        const inputs = Array.from({ length: count }, (_, n) => n)
        let done = false
        const program = Effect.gen(function*() {
          const exits = yield* Stream.fromIterable(inputs).pipe(Executor.mapExit(jobs.job, options), Stream.runCollect)
          return { exits, stats: yield* Executor.stats }
        })
        const running = Effect.runPromise(Effect.provide(program, InlineExecutor.layer({ maxWorkers }))).finally(() => {
          done = true
        })
        await jobs.endAll(choices, () => done)
        const { exits, stats } = await running

        assert.isAtMost(jobs.mostRunning, Math.min(maxWorkers, options.concurrency))
        if (options.chunkSize === 1) {
          assert.strictEqual(jobs.mostRunning, Math.min(maxWorkers, options.concurrency, count), "as many as can")
        }
        assert.deepStrictEqual(jobs.runs.toSorted((a, b) => a - b), inputs)
        const shown = exits.map((exit) => Exit.isSuccess(exit) ? exit.value : String(Cause.squash(exit.cause)))
        const expected = inputs.map((n) => n % 5 === 4 ? `Error: no ${n}` : n)
        if (options.unordered) assert.sameMembers(shown, expected)
        else assert.deepStrictEqual(shown, expected)
        const failed = inputs.filter((n) => n % 5 === 4).length
        assert.deepInclude(stats, { busy: 0, queued: 0, finished: count - failed, failed })
      }
    )
    await fc.assert(property, { numRuns: 60 })
  })
})
