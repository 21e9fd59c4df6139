/** Interruption, time limits and the closing of scopes, with jobs that do not listen. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Executor, ExecutorError, Future, InlineExecutor, ThreadExecutor } from "../lib/mod.ts"
import * as Board from "./jobs/board.ts"
import { hold } from "./jobs/cluster.ts"
import * as effects from "./jobs/effects.ts"
import { polite } from "./jobs/endless.ts"
import * as faults from "./jobs/faults.ts"
import { quick } from "./jobs/loads-slowly.ts"
import * as Notes from "./jobs/notes.ts"
import { ticking } from "./jobs/ticking.ts"
import * as values from "./jobs/values.ts"
import { backEnds, makeNotes } from "./shared/backEnds.ts"
import { tagOf } from "./shared/faults.ts"
import { keepBusy, until } from "./shared/until.ts"

const one = Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))

const clockOf = (exit: Exit.Exit<unknown, unknown>) => {
  const error = Option.getOrThrow(Exit.findErrorOption(exit))
  assert.instanceOf(error, ExecutorError.DeadlineExceeded)
  return [error.clock, error.limitMs]
}

const running = (counter: Board.Board) => until(() => Atomics.load(counter, 0) > 0)

const refusal = (options: Record<string, unknown>) =>
  Effect.map(Effect.flip(Executor.run(values.square, 1, options)), (error) => error.message)

describe("a busy loop on a thread", () => {
  const stops: Record<string, (counter: Board.Board) => Effect.Effect<unknown, unknown, Executor.Executor>> = {
    "Fiber.interrupt": (counter) =>
      Effect.gen(function*() {
        const fiber = yield* Executor.submit(ticking, counter)
        yield* running(counter)
        yield* Fiber.interrupt(fiber)
      }),
    "Effect.race": (counter) => Effect.race(Executor.run(ticking, counter), running(counter)),
    "Effect.timeoutOption": (counter) => Effect.timeoutOption(Executor.run(ticking, counter), "300 millis"),
    "a deadline": (counter) => Effect.exit(Executor.run(ticking, counter, { deadline: { running: "50 millis" } })),
    "Stream.take": (counter) =>
      Stream.make(running(counter), Executor.run(ticking, counter)).pipe(
        Stream.mapEffect((effect) => effect, { concurrency: 2, unordered: true }),
        Stream.take(1),
        Stream.runDrain
      ),
    "a sibling that fails": (counter) =>
      Effect.exit(Effect.all(
        [Executor.run(ticking, counter), Effect.andThen(running(counter), Effect.fail("enough"))],
        { concurrency: 2 }
      ))
  }

  for (const [name, stop] of Object.entries(stops)) {
    it.live(`has left its core when ${name} returns, and the next job runs`, () =>
      Effect.gen(function*() {
        const counter = Board.make()
        yield* stop(counter)
        const atOnce = Atomics.load(counter, 0)
        yield* Effect.sleep(20)
        assert.isAbove(atOnce, 0)
        assert.strictEqual(Atomics.load(counter, 0), atOnce)
        assert.strictEqual(yield* Executor.run(values.square, 4), 16)
        assert.deepInclude(yield* Executor.stats, { busy: 0, queued: 0, died: 0 })
      }).pipe(one))
  }

  it.live("has left its core when the scope is closed", () =>
    Effect.gen(function*() {
      const counters = [Board.make(), Board.make()]
      yield* Effect.gen(function*() {
        for (const counter of counters) yield* Executor.submit(ticking, counter)
        yield* Effect.forEach(counters, running)
      }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 2 })))
      const atOnce = counters.map((counter) => Atomics.load(counter, 0))
      yield* Effect.sleep(20)
      assert.deepStrictEqual(counters.map((counter) => Atomics.load(counter, 0)), atOnce)
    }))
})

for (const { layer, name } of backEnds) {
  const one = Effect.provide(layer({ maxWorkers: 1 }))
  const two = Effect.provide(layer({ maxWorkers: 2 }))

  describe(`${name}, interruption`, () => {
    it.live("of a job whose worker is only starting: it never runs, the next does", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const fiber = yield* Executor.submit(faults.hold, { notes, n: 1 })
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* Executor.run(values.square, 4), 16)
        assert.deepStrictEqual(Notes.lines(notes), [])
        assert.deepInclude(yield* Executor.stats, { finished: 1, failed: 1, queued: 0 })
      }).pipe(one))

    it.live("of a job whose worker is busy with what another left behind: the next has another worker", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        yield* Executor.run(faults.busyAfterwards, notes)
        yield* until(() => Notes.lines(notes).length === 1)
        const late = yield* Effect.exit(Executor.run(values.square, 3, { deadline: { total: "50 millis" } }))
        assert.deepStrictEqual(clockOf(late), ["total", 50])
        assert.strictEqual(yield* Executor.run(values.square, 4).pipe(Effect.timeout("5 seconds")), 16)
      }).pipe(one))

    it.live("of a chunk: whichever item runs hears of it in time, and keeps its worker", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const inputs = (["succeed", "never end"] as const).map((does, n) => ({ notes, n, does }))
        const { execute } = yield* Executor.Executor
        const fiber = yield* Effect.forkChild(execute(effects.endAs, inputs))
        yield* until(() => Notes.lines(notes).length === 2)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      }).pipe(Effect.provide(layer({ maxWorkers: 1, cancelGrace: "1 minute" }))))

    it.live("of a job that stops in time keeps its worker, though the event loop is too busy to hear of that", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const fiber = yield* Executor.submit(hold, { notes, label: "job" })
        yield* until(() => Notes.lines(notes).length === 1)
        yield* Effect.yieldNow
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
        keepBusy(30_000, () => Notes.lines(notes).includes("abort job"))
        Notes.openGate(notes)
        keepBusy(30_000, () => Notes.lines(notes).includes("end job"))
        // The grace is over, and the reply on its way.
        keepBusy(400)
        yield* Fiber.join(interrupting)
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      }).pipe(Effect.provide(layer({ maxWorkers: 1, cancelGrace: "200 millis" }))))

    it.live("of many running and queued jobs at once: each settles, and the next runs", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const fibers = yield* Effect.forEach(Array(12), () => Executor.submit(faults.busy, notes))
        yield* until(() => Notes.lines(notes).length === 2)
        yield* Fiber.interruptAll(fibers)
        for (const fiber of fibers) assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
        assert.strictEqual(yield* Executor.run(values.square, 4), 16)
        assert.deepInclude(yield* Executor.stats, { finished: 1, failed: 12, queued: 0, busy: 0, died: 0 })
      }).pipe(two))

    it.live("right before the scope closes: nobody waits for ever", () =>
      Effect.gen(function*() {
        const exits = yield* Effect.gen(function*() {
          const fibers = yield* Effect.forEach([1, 2, 3], (n) => Executor.submit(values.square, n))
          yield* Executor.run(values.square, 4)
          const last = yield* Executor.submit(values.square, 5)
          last.interruptUnsafe()
          return [...fibers, last]
        }).pipe(one)
        for (const fiber of exits) yield* Fiber.await(fiber)
      }))
  })

  describe(`${name}, closing the scope`, () => {
    it.live("does not wait for a worker that is busy with what a job left behind", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(layer({ maxWorkers: 1 }), scope)
        yield* Effect.provide(Executor.run(faults.busyAfterwards, notes), context)
        yield* until(() => Notes.lines(notes).length === 1)
        const first = yield* Scope.close(scope, Exit.void).pipe(
          Effect.as("closed"),
          Effect.timeoutOrElse({ duration: "3 seconds", orElse: () => Effect.succeed("three seconds") })
        )
        assert.strictEqual(first, "closed")
      }))
  })

  describe(`${name}, deadline`, () => {
    it.live("queued: the job never starts, its siblings go on", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const held = yield* Executor.submit(faults.hold, { notes, n: 1 })
        yield* until(() => Notes.lines(notes).length === 1)
        const late = yield* Executor.submit(faults.hold, { notes, n: 2 }, { deadline: { queued: "30 millis" } })
        const next = yield* Executor.submit(faults.hold, { notes, n: 3 })
        assert.deepStrictEqual(clockOf(yield* Fiber.await(late)), ["queued", 30])
        Notes.openGate(notes)
        assert.deepStrictEqual(yield* Fiber.joinAll([held, next]), [1, 9])
        assert.deepStrictEqual(Notes.lines(notes), ["hold 1", "hold 3"])
      }).pipe(one))

    it.live("running: the job is stopped, its siblings go on, the next has a worker", () =>
      Effect.gen(function*() {
        const [loop, notes] = yield* Effect.all([makeNotes, makeNotes])
        const held = yield* Executor.submit(faults.hold, { notes, n: 3 })
        const late = yield* Effect.exit(Executor.run(faults.busy, loop, { deadline: { running: "30 millis" } }))
        assert.deepStrictEqual(clockOf(late), ["running", 30])
        assert.strictEqual(yield* Executor.run(values.square, 4), 16)
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(held), 9)
        assert.deepInclude(yield* Executor.stats, { finished: 2, failed: 1, died: 0, busy: 0 })
      }).pipe(two))

    it.live("running: begins anew when the job is run again", () =>
      Effect.gen(function*() {
        const options = { deadline: { running: "100 millis" }, retryWorkerDeath: 1 } as const
        const hangs = { notes: yield* makeNotes, deaths: 1, hangs: true }
        const late = yield* Effect.exit(Executor.run(faults.dieAtFirst, hangs, options))
        assert.deepStrictEqual(clockOf(late), ["running", 100])
      }).pipe(one))

    it.live("running: does not count the time that the job's module takes to load", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(quick, undefined, { deadline: { running: "900 millis" } }), "done")
      }).pipe(one))

    it.live("of one job fails that job and not the call around it", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const exits = yield* Stream.make(1, -2, 3).pipe(
          Stream.mapEffect((n) =>
            Effect.exit(
              n < 0
                ? Executor.run(faults.deaf, notes, { deadline: { total: "200 millis" } })
                : Executor.run(values.square, n, { deadline: { total: "1 minute" } })
            ), { concurrency: 2 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(exits.map(tagOf), ["Succeeded", "DeadlineExceeded", "Succeeded"])
      }).pipe(two))
  })
}

describe("deadlines, by the clock", () => {
  const inline = Effect.provide(InlineExecutor.layer({ maxWorkers: 1 }))
  const live = TestClock.withLive

  /** Submits a job behind one that holds the only worker. */
  const behindAnother = Effect.fnUntraced(function*(options: Executor.RunOptions) {
    const [first, second] = [Board.make(), Board.make()]
    yield* Executor.submit(values.hold, { board: first, label: 1 })
    const job = yield* Executor.submit(values.hold, { board: second, label: 2 }, options)
    yield* live(until(() => Board.started(first) === 1))
    return { first, second, job }
  })

  it.effect("`queued` is over once the job has started", () =>
    Effect.gen(function*() {
      const { first, job, second } = yield* behindAnother({ deadline: { queued: "10 seconds" } })
      yield* TestClock.adjust("9 seconds")
      Board.openGate(first)
      yield* live(until(() => Board.started(second) === 1))
      yield* TestClock.adjust("1 hour")
      Board.openGate(second)
      assert.strictEqual(yield* live(Fiber.join(job)), 2)
    }).pipe(inline))

  it.effect("`running` begins when the job starts", () =>
    Effect.gen(function*() {
      const { first, job, second } = yield* behindAnother({ deadline: { running: "10 seconds" } })
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(job.pollUnsafe())
      Board.openGate(first)
      yield* live(until(() => Board.started(second) === 1))
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(job.pollUnsafe())
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(clockOf(yield* live(Fiber.await(job))), ["running", 10_000])
    }).pipe(inline))

  it.effect("`total` counts the time in the queue and the time at work", () =>
    Effect.gen(function*() {
      const { first, job, second } = yield* behindAnother({ deadline: { total: "10 seconds" } })
      yield* TestClock.adjust("6 seconds")
      Board.openGate(first)
      yield* live(until(() => Board.started(second) === 1))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(clockOf(yield* live(Fiber.await(job))), ["total", 10_000])
    }).pipe(inline))

  it.effect("the first of several to pass is named", () =>
    Effect.gen(function*() {
      const { job } = yield* behindAnother({ deadline: { queued: "5 seconds", total: "3 seconds" } })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(clockOf(yield* live(Fiber.await(job))), ["total", 3000])
    }).pipe(inline))

  it.live("are none where they are infinite", () =>
    Effect.gen(function*() {
      for (const clock of ["queued", "running", "total"]) {
        assert.strictEqual(yield* Executor.run(values.square, 3, { deadline: { [clock]: Infinity } }), 9)
      }
    }).pipe(inline))

  it.live("are refused by name when out of range, as are priority and retryWorkerDeath", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* refusal({ deadline: { queued: -1 } }),
        "deadline.queued must be a duration of at least 0: received -1"
      )
      assert.strictEqual(
        yield* refusal({ deadline: { total: "later" } }),
        `deadline.total must be a duration of at least 0: received "later"`
      )
      assert.strictEqual(
        yield* refusal({ deadline: { running: NaN } }),
        "deadline.running must be a duration of at least 0: received NaN"
      )
      assert.strictEqual(
        yield* refusal({ deadline: { running: { seconds: NaN } } }),
        "deadline.running must be a duration of at least 0: received { seconds: NaN }"
      )
      assert.strictEqual(
        yield* refusal({ deadline: { running: [NaN, 0] } }),
        "deadline.running must be a duration of at least 0: received [ NaN, 0 ]"
      )
      assert.strictEqual(
        yield* refusal({ deadline: "1 second" }),
        "deadline must be an object of queued, running or total: received \"1 second\""
      )
      assert.strictEqual(
        yield* refusal({ deadline: null }),
        "deadline must be an object of queued, running or total: received null"
      )
      assert.strictEqual(
        yield* refusal({ deadline: { runing: 5 } }),
        "deadline must be an object of queued, running or total: received { runing: 5 }"
      )
      assert.strictEqual(
        yield* refusal({ key: "" }),
        "key must be of 1 to 200 characters, none of them NUL: received \"\""
      )
      assert.strictEqual(yield* refusal({ key: null }), "key must be a string: received null")
      assert.strictEqual(
        yield* refusal({ priority: Object.create(null) }),
        "priority must be a finite number: received [Object: null prototype] {}"
      )
      assert.strictEqual(yield* refusal({ priority: NaN }), "priority must be a finite number: received NaN")
      assert.strictEqual(
        yield* refusal({ retryWorkerDeath: -1 }),
        "retryWorkerDeath must be an integer of at least 0: received -1"
      )
      assert.deepInclude(yield* Executor.stats, { finished: 0, failed: 0, queued: 0, workers: 0 })
    }).pipe(inline))

  for (const clock of ["running", "total"] as const) {
    it.live(`are kept by a job that ends in time, though the event loop is too busy to hear of that: ${clock}`, () =>
      Effect.gen(function*() {
        yield* Executor.run(values.square, 1)
        const board = Board.make()
        const fiber = yield* Executor.submit(values.hold, { board, label: 1 }, { deadline: { [clock]: "300 millis" } })
        yield* until(() => Board.started(board) === 1)
        yield* Effect.sleep(5)
        yield* Effect.yieldNow
        Board.openGate(board)
        keepBusy(400)
        assert.strictEqual(yield* Fiber.join(fiber), 1)
      }).pipe(one))
  }

  it.live("a job that hears of its deadline in time keeps its worker, and fails all the same", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const exit = yield* Effect.exit(Executor.run(polite, board, { deadline: { running: "30 millis" } }))
      assert.deepStrictEqual(clockOf(exit), ["running", 30])
      assert.strictEqual(Board.ended(board), 1)
      assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, cancelGrace: "1 minute" }))))
})

describe("Future.asCompleted and Future.wait over jobs", () => {
  it.live("give jobs that succeed, fail, die and are interrupted, each once, as they end", () =>
    Effect.gen(function*() {
      const [slow, loop] = yield* Effect.all([makeNotes, makeNotes])
      const held = yield* Executor.submit(faults.hold, { notes: slow, n: 2 })
      const stopped = yield* Executor.submit(faults.busy, loop)
      const dead = yield* Executor.submit(faults.exit, 1)
      const fine = yield* Executor.submit(values.square, 3)
      const fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>> = [held, stopped, dead, fine]

      const first = yield* Future.wait(fibers, { until: "firstFailure" })
      assert.include(first.done, dead)
      assert.includeMembers(first.pending, [held, stopped])

      const ended = yield* Deferred.make<void>()
      const order = yield* Effect.forkChild(
        Future.asCompleted(fibers).pipe(
          Stream.tap((fiber) => fiber === fine ? Deferred.succeed(ended, undefined) : Effect.void),
          Stream.mapEffect((fiber) => Effect.map(Fiber.await(fiber), tagOf)),
          Stream.runCollect
        )
      )
      yield* Deferred.await(ended)
      yield* Fiber.interrupt(stopped)
      Notes.openGate(slow)
      assert.deepStrictEqual(yield* Fiber.join(order), ["WorkerDied", "Succeeded", "Interrupted", "Succeeded"])
      const all = yield* Future.wait(fibers)
      assert.deepStrictEqual(all.done, [...fibers])
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 3 }))))
})
