/** What every back end does alike. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { Executor, ExecutorError, type Job, Memory, type ThreadExecutor } from "../../lib/mod.ts"
import * as Board from "../jobs/board.ts"
import * as buffers from "../jobs/buffers.ts"
import * as effects from "../jobs/effects.ts"
import { abortable, deaf } from "../jobs/endless.ts"
import * as throws from "../jobs/throws.ts"
import * as values from "../jobs/values.ts"
import { tagOf } from "./faults.ts"
import { collectGarbage } from "./gc.ts"
import { messageFor } from "./invalidOptions.ts"
import { until } from "./until.ts"

/** A result, or which side of the job could not be cloned. */
const resultOrSide = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isSuccess(exit) ? exit.value : (Cause.squash(exit.cause) as ExecutorError.CloneError).side

/** What becomes of a job with each of the inputs, sent in one message. */
const tagsOf = <Input>(job: Job.Job<Input, unknown>, inputs: ReadonlyArray<Input>) =>
  Stream.fromIterable(inputs).pipe(
    Executor.mapExit(job, { chunkSize: inputs.length }),
    Stream.map(tagOf),
    Stream.runCollect,
    Effect.timeout("5 seconds")
  )

export const executorSuite = (layer: typeof ThreadExecutor.layer) => {
  const one = Effect.provide(layer({ maxWorkers: 1 }))
  const two = Effect.provide(layer({ maxWorkers: 2 }))
  const message = (options: Record<string, unknown>) => messageFor(layer, options)
  /** One worker that has time to stop by itself. */
  const patient = Effect.provide(layer({ maxWorkers: 1, cancelGrace: "1 minute" }))

  describe("Executor.run", () => {
    it.live("succeeds with what a job returns, promises or computes as an Effect", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.square, 7), 49)
        assert.strictEqual(yield* Executor.run(values.squareLater, 7), 49)
        assert.strictEqual(yield* Executor.run(effects.half, 84), 42)
      }).pipe(one))

    it.live("copies inputs and results as the structured clone algorithm does", () =>
      Effect.gen(function*() {
        const thing = {
          date: new Date(0),
          map: new Map([["key", new Set([1n])]]),
          pattern: /x/g,
          bytes: new Uint8Array([1, 2]),
          nothing: undefined
        }
        const copy = yield* Executor.run(values.echo, thing)
        assert.deepStrictEqual(copy, thing)
        assert.notStrictEqual(copy, thing)
        assert.strictEqual(thing.bytes.length, 2)
        assert.strictEqual(yield* Executor.run(values.echo, undefined), undefined)
      }).pipe(one))

    it.live("fails with a job's tagged error, its fields and message included", () =>
      Effect.gen(function*() {
        const small = yield* Effect.flip(Executor.run(effects.half, 2))
        assert.strictEqual(small._tag, "TooSmall")
        assert.instanceOf(small, Error)
        assert.strictEqual(small.message, "2 is below 10")
        assert.strictEqual(small.name, "TooSmall")
        assert.notProperty(small, "cause")
        if (small._tag === "TooSmall") assert.deepStrictEqual(small.limits, { min: 10 })

        const caught = yield* Executor.run(effects.half, 11).pipe(Effect.catchTag("Odd", ({ n }) => Effect.succeed(n)))
        assert.strictEqual(caught, 11)
      }).pipe(one))

    it.live("fails with a plain value that a job's Effect failed with", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(effects.failPlain, 5))
        assert.deepStrictEqual(error, { code: 5 })
      }).pipe(one))

    it.live("keeps the causes of a job's error", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(effects.failWithCause, undefined))
        assert.propertyVal(error, "_tag", "Outer")
        assert.deepInclude({ ...(error as effects.Outer).cause }, { _tag: "Odd", n: 3 })
        assert.strictEqual(Cause.pretty(Cause.fail(error)).match(/Odd/g)?.length, 1)
        const first = yield* Effect.flip(Executor.run(effects.failInCircle, undefined))
        assert.strictEqual(first.message, "first")
        assert.propertyVal(first.cause, "message", "second")
        assert.deepStrictEqual(Object.keys(first), [])
      }).pipe(one))

    it.live("keeps the errors within a job's failure", () =>
      Effect.gen(function*() {
        const { again, bare, bytes, list: [first], odd, sameBytes, sparse } = yield* Executor.run(
          effects.failWithMany,
          undefined
        ).pipe(
          Effect.catchTag("Many", Effect.succeed)
        )
        assert.instanceOf(odd, Error)
        assert.deepStrictEqual({ ...odd }, { _tag: "Odd", n: 3 })
        assert.strictEqual(again._tag, "Odd")
        assert.propertyVal(bare.odd, "_tag", "Odd")
        assert.deepStrictEqual(bytes, new Uint8Array([1, 2]))
        assert.deepStrictEqual(sameBytes, bytes)
        assert.lengthOf(sparse, 3)
        assert.strictEqual(first.all.message, "all failed")
        assert.deepStrictEqual(first.all.errors.map(({ message }: Error) => message), ["", "4 is below 10"])

        const elsewhere = yield* Effect.flip(Executor.run(effects.failElsewhere, undefined))
        assert.instanceOf(elsewhere, Error)
        assert.deepStrictEqual([elsewhere.name, elsewhere.message], ["RangeError", "elsewhere"])
        assert.propertyVal(elsewhere, "code", 7)
      }).pipe(one))

    for (const job of [throws.throwing, throws.rejecting]) {
      it.live(`fails with JobThrew for an error, with its stack and causes: ${job.name}`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(Executor.run(job, "error"))
          assert.instanceOf(error, ExecutorError.JobThrew)
          assert.strictEqual(error.job, job.name)
          assert.strictEqual(error.name, "TypeError")
          assert.strictEqual(error.message, "wrong kind")
          assert.match(error.stack, /test\/jobs\/throws\.ts:\d+/)
          assert.include(error.stack, "Caused by: Error: the reason why")
          const several = yield* Effect.flip(Executor.run(job, "several"))
          assert.instanceOf(several, ExecutorError.JobThrew)
          const causes = several.stack.match(/(?<=Caused by: Error: ).*/g)
          assert.deepStrictEqual(causes, ["one", "other", "why"])
          const wordy = yield* Effect.flip(Executor.run(job, "wordy"))
          assert.instanceOf(wordy, ExecutorError.JobThrew)
          const others = wordy.stack.match(/(?<=Caused by: ).*/g)
          assert.deepStrictEqual(others, ["null: null", "string: words", "object: {\"code\":7}"])
          const stackless = yield* Effect.flip(Executor.run(job, "stackless"))
          assert.propertyVal(stackless, "stack", "Error: from nowhere")
        }).pipe(one))

      it.live(`fails with JobThrew for whatever else is thrown: ${job.name}`, () =>
        Effect.gen(function*() {
          const shown = Effect.fnUntraced(function*(thing: throws.Thing) {
            const error = yield* Effect.flip(Executor.run(job, thing))
            assert.instanceOf(error, ExecutorError.JobThrew)
            return [error.name, error.message]
          })
          assert.deepStrictEqual(yield* shown("inherited"), ["TypeError", "made by hand"])
          assert.deepStrictEqual(yield* shown("string"), ["string", "just words"])
          assert.deepStrictEqual(yield* shown("undefined"), ["undefined", "undefined"])
          assert.deepStrictEqual(yield* shown("frozen"), ["object", `{"code":7}`])
          assert.deepStrictEqual(yield* shown("uncloneable"), ["function", `() => "a function"`])
          assert.deepStrictEqual(yield* shown("circular"), ["object", "a value that cannot be shown"])
          assert.deepStrictEqual(yield* shown("silent"), ["object", "[object Object]"])
          assert.deepStrictEqual(yield* shown("revoked"), ["object", "a value that cannot be shown"])
          assert.deepStrictEqual(yield* shown("elsewhere"), ["TypeError", "elsewhere"])
          assert.deepStrictEqual(yield* shown("hostile"), ["Error", "a value that cannot be shown"])
          assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        }).pipe(one))
    }

    it.live("fails with JobThrew for a Promise of an Effect, which nobody would run", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(effects.promiseOfEffect, 1))
        assert.instanceOf(error, ExecutorError.JobThrew)
        assert.include(error.message, "A job must return an Effect itself, not a Promise of it")
      }).pipe(one))

    it.live("fails with JobThrew for a Promise of what cannot be looked at", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(throws.resolvingWithTrap, undefined))
        assert.propertyVal(error, "_tag", "JobThrew")
        assert.propertyVal(error, "message", "do not ask")
      }).pipe(one))

    it.live("fails with JobThrew for a defect of a job's Effect", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(effects.die, undefined))
        assert.propertyVal(error, "_tag", "JobThrew")
        assert.propertyVal(error, "name", "RangeError")
        assert.propertyVal(error, "message", "out of range")
      }).pipe(one))

    it.live("dies of what is no job, and says what was expected", () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(Executor.run({} as typeof values.square, 7))
        assert.deepStrictEqual(exit, Exit.die(new TypeError("Expected a job, as Job.make makes it: received {}")))
        assert.deepInclude(yield* Executor.stats, { finished: 0, failed: 0, queued: 0 })
      }).pipe(one))

    it.live("dies of inputs that are no array, which would never have settled, and goes on", () =>
      Effect.gen(function*() {
        const executor = yield* Executor.Executor
        const exit = yield* Effect.exit(executor.execute(values.square, new Set([7]) as never))
        assert.deepStrictEqual(exit, Exit.die(new TypeError("Expected an array of inputs: received Set(1) { 7 }")))
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        yield* Executor.drain
      }).pipe(one))

    it.live("fails with CloneError for an input that cannot be cloned, and goes on", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(values.echo, { callback: () => {} }))
        assert.instanceOf(error, ExecutorError.CloneError)
        assert.strictEqual(error.side, "input")
        assert.match(error.message, /^The input of job "echo" cannot be cloned: .*could not be cloned/)
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(one))

    it.live("fails with CloneError for a result that cannot be cloned, and goes on", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(values.functionBelowZero, -1))
        assert.instanceOf(error, ExecutorError.CloneError)
        assert.strictEqual(error.side, "result")
        assert.match(error.message, /^The result of job "functionBelowZero" cannot be cloned: .*could not be cloned/)
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(one))

    it.live("fails with CloneError for what cannot be looked at, alone", () =>
      Effect.gen(function*() {
        const { buffer } = new Uint8Array(1)
        const input = yield* Effect.flip(
          Executor.run(values.echo, { buffer, proxy: values.revoked() }, { transfer: [buffer] })
        )
        assert.deepInclude({ ...input }, { _tag: "CloneError", side: "input" })
        const exits = yield* Stream.make(1, -2, 3, 4).pipe(
          Executor.mapExit(values.revokedBelowZero, { chunkSize: 4, concurrency: 1 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(exits.map(Exit.map(({ n }) => n)).map(resultOrSide), [1, "result", 3, 4])
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(one))

    it.live("fails with CloneError for a failure that cannot be cloned", () =>
      Effect.gen(function*() {
        const { failHostile, failUncloneable } = effects
        for (const run of [Executor.run(failUncloneable, undefined), Executor.run(failHostile, undefined)]) {
          const error = yield* Effect.flip(run)
          assert.propertyVal(error, "_tag", "CloneError")
          assert.propertyVal(error, "side", "result")
        }
      }).pipe(one))

    it.live(
      "fails with CloneError for a result with a getter that throws, observed or not",
      () =>
        Effect.gen(function*() {
          for (const observer of [undefined, () => {}]) {
            const error = yield* Executor.run(values.hostileResult, undefined).pipe(
              Effect.provideService(Executor.JobObserver, observer),
              Effect.flip
            )
            assert.propertyVal(error, "_tag", "CloneError")
            assert.include(error.message, "do not look")
          }
        }).pipe(one),
      10_000
    )

    it.live("gives a job the number of its worker, a different one to each worker", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
        const board = Board.make()
        yield* Executor.submit(values.hold, { board, label: 0 })
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 2)
        Board.openGate(board)
        yield* Executor.drain
      }).pipe(two))

    it.live("never runs more jobs at once than there are workers", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const fiber = yield* Effect.forkChild(Effect.forEach(
          [0, 1, 2, 3, 4, 5],
          (label) => Executor.run(values.hold, { board, label }),
          { concurrency: "unbounded" }
        ))
        yield* until(() => Board.started(board) === 2)
        Board.openGate(board)
        assert.deepStrictEqual(yield* Fiber.join(fiber), [0, 1, 2, 3, 4, 5])
        assert.strictEqual(Board.mostRunning(board), 2)
      }).pipe(two))
  })

  describe("a failure that its reader keeps", () => {
    it.live("keeps neither inputs nor other results", () =>
      Effect.gen(function*() {
        const gone: Array<WeakRef<object>> = []
        const failures: Array<unknown> = []
        yield* Stream.range(0, 39).pipe(
          Stream.map((n) => {
            const input = { n }
            gone.push(new WeakRef(input))
            return input
          }),
          Executor.mapExit(effects.evenOnly, { chunkSize: 10, concurrency: 1 }),
          Stream.runForEach((exit) =>
            Effect.sync(() => Exit.isSuccess(exit) ? gone.push(new WeakRef(exit.value)) : failures.push(exit))
          )
        )
        yield* collectGarbage
        assert.lengthOf(failures, 20)
        assert.lengthOf(gone, 60)
        // The last chunk may still be in somebody's hands.
        assert.isAtMost(gone.filter((ref) => ref.deref() !== undefined).length, 15)
      }).pipe(one))
  })

  describe("a value that is nested too deep to be read", () => {
    const depths = [1500, 2000, 2500, 3000, 4000, 8000]

    it.live("fails alone, as a result and as an input", () =>
      Effect.gen(function*() {
        for (const depth of depths) {
          const inputs = [1, depth, 1, 1]
          for (
            const [first, deep, ...others] of [
              yield* tagsOf(values.nested, inputs),
              yield* tagsOf(values.echo, inputs.map((depth) => values.nested.run(depth, undefined as never)))
            ]
          ) {
            assert.include(["Succeeded", "CloneError"], deep)
            assert.deepStrictEqual([first, ...others], ["Succeeded", "Succeeded", "Succeeded"])
          }
        }
      }).pipe(one))

    it.live("fails with CloneError, which says on which side it is", () =>
      Effect.gen(function*() {
        for (const depth of depths) {
          const result = yield* Effect.exit(Executor.run(values.nested, depth))
          if (Exit.isFailure(result)) assert.strictEqual(resultOrSide(result), "result")
          const value = values.nested.run(depth, undefined as never)
          const input = yield* Effect.exit(Executor.run(values.lengthOf, value, { retryWorkerDeath: 3 }))
          if (Exit.isFailure(input)) assert.strictEqual(resultOrSide(input), "input")
        }
      }).pipe(one))
  })

  describe("the services of a caller", () => {
    it.live("are let go when its job has ended", () =>
      Effect.gen(function*() {
        const observer = yield* Effect.suspend(() => {
          const events: Array<Executor.JobEvent> = []
          const observer = (event: Executor.JobEvent) => void events.push(event)
          return Effect.as(
            Effect.provideService(Executor.run(values.square, 3), Executor.JobObserver, observer),
            new WeakRef(observer)
          )
        })
        yield* collectGarbage
        assert.isUndefined(observer.deref())
      }).pipe(one))
  })

  describe("jobs with a deadline, one after the other", () => {
    it.live("keep none of the results before", () =>
      Effect.gen(function*() {
        const gone: Array<WeakRef<object>> = []
        const deadline = { queued: "1 minute", total: "1 minute" } as const
        for (let n = 0; n < 20; n++) {
          gone.push(new WeakRef((yield* Executor.run(values.echo, { n }, { deadline })) as object))
        }
        // Now: each would be held by the next, and the last by nobody.
        Memory.collectUnsafe()
        assert.isAtMost(gone.filter((ref) => ref.deref() !== undefined).length, 3)
      }).pipe(one))
  })

  describe("an observer that throws", () => {
    const mistake = new Error("a mistake")
    const fail = () => {
      throw mistake
    }
    /** What nothing catches from now on, until the scope closes. */
    const uncaught = Effect.acquireRelease(
      Effect.sync(() => {
        const heard: Array<unknown> = []
        const listeners = process.listeners("uncaughtException")
        process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => heard.push(error))
        return { heard, listeners }
      }),
      ({ listeners }) =>
        Effect.sync(() => {
          process.removeAllListeners("uncaughtException")
          for (const listener of listeners) process.on("uncaughtException", listener)
        })
    ).pipe(Effect.map(({ heard }) => heard))

    it.live("of a fiber harms no other job, and is heard of", () =>
      Effect.gen(function*() {
        const heard = yield* uncaught
        const fibers = yield* Effect.forEach(Array(300).keys(), (n) => Executor.submit(values.square, n))
        const observed = [50, 51, 150].flatMap((at) => fibers.splice(at, 1))
        for (const fiber of observed) fiber.addObserver(fail)
        assert.lengthOf(yield* Fiber.joinAll(fibers), 297)
        yield* until(() => heard.length === observed.length)
        assert.deepStrictEqual(heard, [mistake, mistake, mistake])
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(Effect.scoped, two))

    it.live("of jobs harms none, and is heard of at each event", () =>
      Effect.gen(function*() {
        const heard = yield* uncaught
        const observed = Effect.provideService(Executor.run(values.square, 3), Executor.JobObserver, fail)
        assert.strictEqual(yield* observed, 9)
        yield* until(() => heard.length === 3)
        assert.deepStrictEqual(heard, [mistake, mistake, mistake])
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(Effect.scoped, two))
  })

  describe("Executor.run, interrupted", () => {
    it.live("never starts a job that was queued", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const first = yield* Executor.submit(values.hold, { board, label: 1 })
        const queued = yield* Executor.submit(values.note, { board, label: 2 })
        const last = yield* Executor.submit(values.note, { board, label: 3 })
        yield* until(() => Board.started(board) === 1)
        yield* Fiber.interrupt(queued)
        Board.openGate(board)
        yield* Fiber.join(first)
        yield* Fiber.join(last)
        assert.deepStrictEqual(Board.starts(board), [1, 3])
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(queued)))
      }).pipe(one))

    it.live("aborts the signal of a job that awaits, and keeps its worker", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const fiber = yield* Executor.submit(abortable, board)
        yield* until(() => Board.started(board) === 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(Board.ended(board), 1)
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      }).pipe(patient))

    it.live("interrupts a job's Effect, and keeps its worker", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const fiber = yield* Executor.submit(effects.waitForever, board)
        yield* until(() => Board.started(board) === 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(Board.ended(board), 1)
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      }).pipe(patient))

    it.live("replaces the worker of a job that does not listen", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const fiber = yield* Executor.submit(deaf, board)
        yield* until(() => Board.started(board) === 1)
        yield* Fiber.interrupt(fiber)
        assert.propertyVal(yield* Executor.stats, "workers", 0)
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 2)
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(one))

    it.live("tells the observer that the job was interrupted, and where, whether it listens or not", () =>
      Effect.forEach([abortable, deaf], (job) =>
        Effect.gen(function*() {
          const board = Board.make()
          const ends: Array<unknown> = []
          const fiber = yield* Executor.submit(job, board).pipe(
            Effect.provideService(Executor.JobObserver, (event) => {
              if (event._tag === "Settled") ends.push(event.status, event.workerId)
            })
          )
          yield* until(() => Board.started(board) === 1)
          yield* Fiber.interrupt(fiber)
          assert.deepStrictEqual(ends, ["interrupted", 1], job.name)
        }).pipe(one)))
  })

  describe("Executor.submit", () => {
    it.live("starts jobs in the order in which they were submitted, and never blocks", () =>
      Effect.gen(function*() {
        const board = Board.make()
        yield* Executor.submit(values.hold, { board, label: 0 })
        const labels = Array.from({ length: 200 }, (_, label) => label)
        const fibers = yield* Effect.forEach(labels.slice(1), (label) => Executor.submit(values.note, { board, label }))
        yield* until(() => Board.started(board) === 1)
        assert.propertyVal(yield* Executor.stats, "queued", 199)
        Board.openGate(board)
        assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), labels.slice(1))
        assert.deepStrictEqual(Board.starts(board), labels)
      }).pipe(one))

    it.live("goes on when the fiber that submitted has ended", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const submitter = yield* Effect.forkChild(Executor.submit(values.hold, { board, label: 5 }))
        const future = yield* Fiber.join(submitter)
        Board.openGate(board)
        assert.strictEqual(yield* Fiber.join(future), 5)
      }).pipe(one))

    it.live("is interrupted when the executor's scope closes, running or queued", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const futures = yield* Effect.gen(function*() {
          const running = yield* Executor.submit(deaf, board)
          const queued = yield* Executor.submit(values.note, { board, label: 1 })
          yield* until(() => Board.started(board) === 1)
          return [running, queued]
        }).pipe(one)
        for (const exit of yield* Fiber.awaitAll(futures)) {
          assert.isTrue(Exit.hasInterrupts(exit), String(exit))
        }
        assert.deepStrictEqual(Board.starts(board), [0])
      }))
  })

  describe("Executor, once its scope is closed", () => {
    it.live("has interrupted whoever waited for a job", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(layer({ maxWorkers: 1 }), scope)
        const running = yield* Effect.forkChild(Effect.provide(Executor.run(deaf, board), context))
        const queued = yield* Effect.forkChild(Effect.provide(Executor.run(values.square, 1), context))
        yield* until(() => Board.started(board) === 1)
        yield* Scope.close(scope, Exit.void)
        for (const exit of yield* Effect.all([Fiber.await(running), Fiber.await(queued)])) {
          assert.isTrue(Exit.hasInterrupts(exit), String(exit))
        }
      }))

    it.live("takes no more jobs", () =>
      Effect.gen(function*() {
        const closed = yield* one(Executor.Executor)
        const exit = yield* Effect.exit(
          Effect.provideService(Executor.run(values.square, 2), Executor.Executor, closed)
        )
        assert.isTrue(Exit.hasInterrupts(exit))
      }))
  })

  describe("Executor.use", () => {
    it.live("gives the result's buffer to a later run of the job", () =>
      Effect.gen(function*() {
        const sum = yield* Executor.use(
          buffers.found,
          { length: 100, zeroed: false, fill: 7 },
          (array) => Effect.succeed(array.reduce((a, b) => a + b))
        )
        assert.strictEqual(sum, 700)
        const found = yield* Executor.run(buffers.found, { length: 100, zeroed: false })
        assert.deepStrictEqual(found, new Float64Array(100).fill(7))
      }).pipe(one))

    it.live("gives the result's buffer to a later run, though its input needs no message", () =>
      Effect.gen(function*() {
        yield* Executor.use(buffers.unwritten, 100, (array) => Effect.sync(() => array.fill(7)))
        assert.deepStrictEqual(yield* Executor.run(buffers.unwritten, 100), new Float64Array(100).fill(7))
      }).pipe(one))

    it.live("has what `allocate` gives zeroed, though a used buffer is in it", () =>
      Effect.gen(function*() {
        yield* Executor.use(buffers.found, { length: 100, zeroed: true, fill: 7 }, () => Effect.void)
        const found = yield* Executor.run(buffers.found, { length: 100, zeroed: true })
        assert.deepStrictEqual(found, new Float64Array(100))
      }).pipe(one))

    it.live("has what `allocate` gives of bigints zeroed as well", () =>
      Effect.gen(function*() {
        yield* Executor.use(buffers.bigZeros, 100, (array) => Effect.sync(() => array.fill(7n)))
        assert.deepStrictEqual(yield* Executor.run(buffers.bigZeros, 100), new BigInt64Array(100))
      }).pipe(one))

    it.live("lends no failure: its caller keeps it", () =>
      Effect.gen(function*() {
        const failure = yield* Effect.flip(Executor.use(effects.failWithArray, 7, () => Effect.void))
        assert.deepStrictEqual({ ...failure }, { array: new Uint8Array([7, 7]) })
      }).pipe(one))

    it.live("empties a view that is kept for longer than the loan", () =>
      Effect.gen(function*() {
        const [array, length] = yield* Executor.use(
          buffers.filled,
          { length: 10, value: 1 },
          (array) => Effect.sync(() => [array, array.length] as const)
        )
        assert.strictEqual(length, 10)
        assert.strictEqual(array.length, 0)
      }).pipe(one))

    it.live("gives the buffer back when the reader fails", () =>
      Effect.gen(function*() {
        let kept: Float64Array | undefined
        const error = yield* Effect.flip(Executor.use(buffers.filled, { length: 10, value: 3 }, (array) => {
          kept = array
          return Effect.fail("no good" as const)
        }))
        assert.strictEqual(error, "no good")
        assert.strictEqual(kept?.length, 0)
        const found = yield* Executor.use(buffers.filled, { length: 10, value: 4 }, (array) => Effect.succeed(array[9]))
        assert.strictEqual(found, 4)
      }).pipe(one))

    it.live("gives the buffer back when the reader throws", () =>
      Effect.gen(function*() {
        let kept: Float64Array | undefined
        const exit = yield* Effect.exit(
          Executor.use(buffers.filled, { length: 10, value: 3 }, (array): Effect.Effect<void> => {
            kept = array
            throw new Error("a mistake")
          })
        )
        assert.isTrue(Exit.hasDies(exit))
        assert.strictEqual(kept?.length, 0)
      }).pipe(one))

    it.live("stops its job when it is interrupted before there is a result", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const fiber = yield* Effect.forkChild(Executor.use(deaf, board, () => Effect.void))
        yield* until(() => Board.started(board) === 1)
        yield* Fiber.interrupt(fiber)
        assert.deepInclude(yield* Executor.stats, { busy: 0, failed: 1 })
      }).pipe(one))

    it.live("gives the buffer back when the reader is interrupted", () =>
      Effect.gen(function*() {
        const reading = yield* Deferred.make<Float64Array>()
        const fiber = yield* Effect.forkChild(Executor.use(
          buffers.filled,
          { length: 10, value: 3 },
          (array) => Effect.andThen(Deferred.succeed(reading, array), Effect.never)
        ))
        const array = yield* Deferred.await(reading)
        assert.strictEqual(array.length, 10)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(array.length, 0)
      }).pipe(one))

    it.live("puts up with a reader that has moved the buffer on", () =>
      Effect.gen(function*() {
        const moved = yield* Executor.use(
          buffers.filled,
          { length: 10, value: 3 },
          (array) => Effect.sync(() => structuredClone(array, { transfer: [array.buffer] }))
        )
        assert.deepStrictEqual(moved, new Float64Array(10).fill(3))
        const next = yield* Executor.use(buffers.filled, { length: 10, value: 4 }, (array) => Effect.succeed(array[9]))
        assert.strictEqual(next, 4)
      }).pipe(one))

    it.live("frees its worker while the result is read", () =>
      Effect.gen(function*() {
        const inner = yield* Executor.use(
          buffers.filled,
          { length: 10, value: 3 },
          (array) => Effect.map(Executor.run(values.square, 5), (square) => square + array[0]!)
        )
        assert.strictEqual(inner, 28)
      }).pipe(one))

    it.live("never has more buffers at once than are on loan", () =>
      Effect.gen(function*() {
        const bytes = 8_000_000
        const before = Memory.sampleUnsafe().arrayBuffersBytes
        let most = 0
        yield* Stream.range(1, 40).pipe(Stream.runForEach((value) =>
          Executor.use(buffers.filled, { length: bytes / 8, value }, () =>
            Effect.sync(() => {
              most = Math.max(most, Memory.sampleUnsafe().arrayBuffersBytes - before)
            }))
        ))
        assert.isAtMost(most, 2 * bytes)
      }).pipe(one))

    it.live("passes a job's failure on and reads nothing", () =>
      Effect.gen(function*() {
        let read = false
        const error = yield* Effect.flip(Executor.use(values.root, -1, () =>
          Effect.sync(() => {
            read = true
          })))
        assert.strictEqual(error.message, "no root of -1")
        assert.isFalse(read)
      }).pipe(one))
  })

  describe("Job.Context", () => {
    it.live("allocate gives as many zeros as were asked for, of the type that was asked for", () =>
      Effect.gen(function*() {
        const array = yield* Executor.run(buffers.found, { length: 3, zeroed: true })
        assert.deepStrictEqual(array, new Float64Array(3))
        assert.strictEqual((yield* Executor.run(buffers.found, { length: 0, zeroed: true })).length, 0)
      }).pipe(one))

    it.live("allocate fails as the array's constructor does", () =>
      Effect.gen(function*() {
        for (const length of [-1, 2 ** 53]) {
          const error = yield* Effect.flip(Executor.run(buffers.found, { length, zeroed: true }))
          assert.propertyVal(error, "_tag", "JobThrew")
          assert.propertyVal(error, "name", "RangeError")
        }
      }).pipe(one))

    it.live("moves allocated buffers wherever they are in the result, and takes them all back", () =>
      Effect.gen(function*() {
        const result = yield* Executor.use(buffers.nested, 16, (result) =>
          Effect.sync(() => {
            assert.strictEqual(result.inArray[0]!.length, 16)
            assert.strictEqual(result.inMap.get("key")!.length, 16)
            assert.strictEqual(result.buffer.byteLength, 16)
            return result
          }))
        assert.strictEqual(result.inArray[0]!.length, 0)
        assert.strictEqual(result.inMap.get("key")!.length, 0)
        assert.strictEqual(result.buffer.byteLength, 0)
      }).pipe(one))

    it.live("lets a job move what it allocated", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(buffers.moveAway, 8), "moved")
        assert.strictEqual((yield* Executor.run(buffers.found, { length: 0, zeroed: true })).length, 0)
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(one))

    it.live("transfer moves the job's own buffers instead of copying them", () =>
      Effect.gen(function*() {
        const first = yield* Executor.run(buffers.transferred, { transfer: false })
        const second = yield* Executor.run(buffers.transferred, { transfer: true })
        const third = yield* Executor.run(buffers.transferred, { transfer: false })
        assert.deepStrictEqual(second.values, new Float64Array([1, 2, 3]))
        assert.deepStrictEqual(second.lengthsBefore.slice(first.lengthsBefore.length), [24])
        assert.deepStrictEqual(third.lengthsBefore.slice(first.lengthsBefore.length), [24, 0])
      }).pipe(one))
  })

  describe("Executor.stats and Executor.drain", () => {
    it.live("count workers, running, queued and ended jobs", () =>
      Effect.gen(function*() {
        const none = { workers: 0, busy: 0, queued: 0, finished: 0, failed: 0, died: 0 }
        assert.deepInclude(yield* Executor.stats, none)
        const board = Board.make()
        for (const label of [0, 1, 2, 3]) yield* Executor.submit(values.hold, { board, label })
        const unwanted = yield* Executor.submit(values.hold, { board, label: 4 })
        yield* until(() => Board.started(board) === 2)
        assert.deepInclude(yield* Executor.stats, { ...none, workers: 2, busy: 2, queued: 3 })
        yield* Fiber.interrupt(unwanted)
        Board.openGate(board)
        yield* Effect.exit(Executor.run(values.root, -1))
        yield* Executor.drain
        assert.deepInclude(yield* Executor.stats, { ...none, workers: 2, finished: 4, failed: 2 })
      }).pipe(two))

    it.live("drain waits until all jobs have settled, and does not wait when there are none", () =>
      Effect.gen(function*() {
        yield* Executor.drain
        const board = Board.make()
        for (const label of [0, 1, 2]) yield* Executor.submit(values.hold, { board, label })
        const drained = yield* Effect.forkChild(Executor.drain)
        yield* until(() => Board.started(board) === 1)
        assert.isUndefined(drained.pollUnsafe())
        Board.openGate(board)
        yield* Fiber.join(drained)
        assert.strictEqual(Board.ended(board), 3)
      }).pipe(one))

    it.live("a drain that has returned is not held", () =>
      Effect.gen(function*() {
        const drained = yield* Effect.gen(function*() {
          const board = Board.make()
          const job = yield* Executor.submit(values.hold, { board, label: 0 })
          const drained = yield* Effect.forkDetach(Executor.drain, { startImmediately: true })
          Board.openGate(board)
          yield* Fiber.join(job)
          yield* Fiber.join(drained)
          return new WeakRef(drained)
        })
        yield* collectGarbage
        assert.isUndefined(drained.deref())
      }).pipe(one))

    it.live("a drain that was interrupted is not held until there are no jobs", () =>
      Effect.gen(function*() {
        const board = Board.make()
        yield* Executor.submit(values.hold, { board, label: 0 })
        const interruptedDrain = Effect.gen(function*() {
          const drained = yield* Effect.forkDetach(Executor.drain, { startImmediately: true })
          yield* Fiber.interrupt(drained)
          return new WeakRef(drained)
        })
        const drained = yield* interruptedDrain
        yield* collectGarbage
        assert.isUndefined(drained.deref())
        Board.openGate(board)
        yield* Executor.drain
      }).pipe(one))
  })

  describe("Executor.map, Executor.mapExit", () => {
    it.live("put an item that cannot be cloned in its place, its neighbours in the message succeed", () =>
      Effect.gen(function*() {
        const inputs = yield* Stream.make<Array<unknown>>(1, () => {}, 3, 4).pipe(
          Executor.mapExit(values.echo, { chunkSize: 4 }),
          Stream.map(resultOrSide),
          Stream.runCollect
        )
        assert.deepStrictEqual(inputs, [1, "input", 3, 4])
        const results = yield* Stream.make(1, -2, 3, 4).pipe(
          Executor.mapExit(values.functionBelowZero, { chunkSize: 4 }),
          Stream.map(resultOrSide),
          Stream.runCollect
        )
        assert.deepStrictEqual(results, [1, "result", 3, 4])
      }).pipe(two))

    it.live("give each job an input of its own, where several hold the same object", () =>
      Effect.gen(function*() {
        const list: Array<number> = []
        const inputs = Stream.range(1, 100).pipe(Stream.map((n) => ({ n, list })))
        const ones = Array.from({ length: 100 }, () => 1)
        // By then such jobs are known to be short, and go to workers ahead.
        yield* Stream.runDrain(Executor.map(values.append)(inputs))
        assert.deepStrictEqual(
          yield* inputs.pipe(
            Stream.mapEffect((input) => Executor.run(values.append, input), { concurrency: 64 }),
            Stream.runCollect
          ),
          ones
        )
        assert.deepStrictEqual(
          yield* inputs.pipe(Executor.map(values.append, { chunkSize: 20 }), Stream.runCollect),
          ones
        )
        assert.lengthOf(list, 0)
      }).pipe(two))

    it.live("give each item a result of its own, where jobs return the same object", () =>
      Effect.gen(function*() {
        const results = yield* Stream.range(1, 10).pipe(
          Stream.map(() => undefined),
          Executor.map(values.keeps, { chunkSize: 5 }),
          Stream.runCollect
        )
        assert.strictEqual(new Set(results).size, 10)
      }).pipe(two))

    it.live("keep each item's own array, though several came in one message", () =>
      Effect.gen(function*() {
        const arrays = yield* Stream.range(1, 5).pipe(
          Stream.map((n) => ({ n, count: 2 })),
          Executor.map(values.bytes, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(arrays.map((array) => [...array]), [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]])
      }).pipe(two))

    it.live("keep each item's own array, though the results between them are numbers", () =>
      Effect.gen(function*() {
        const results = yield* Stream.range(1, 100).pipe(
          Executor.map(buffers.evenInArray, { chunkSize: 20 }),
          Stream.map((result) => typeof result === "number" ? result : result[0]),
          Stream.runCollect
        )
        assert.deepStrictEqual(results, Array.from({ length: 100 }, (_, n) => n + 1))
      }).pipe(two))

    it.live("stop the jobs that run when the reader has enough", () =>
      Effect.gen(function*() {
        const board = Board.make()
        const labels = yield* Stream.range(0, 9).pipe(
          Stream.mapEffect(
            (label) =>
              label === 0
                ? Executor.run(values.note, { board, label })
                : Effect.as(Executor.run(abortable, board), label),
            { concurrency: 2, unordered: true }
          ),
          Stream.take(1),
          Stream.runCollect
        )
        assert.deepStrictEqual(labels, [0])
        yield* Executor.drain
        assert.propertyVal(yield* Executor.stats, "busy", 0)
      }).pipe(two))
  })

  describe("options", () => {
    it.live("are refused by name, with what was expected and received", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* message({ maxWorkers: 0 }), "maxWorkers must be a positive integer: received 0")
        assert.strictEqual(yield* message({ maxWorkers: 1.5 }), "maxWorkers must be a positive integer: received 1.5")
        assert.strictEqual(yield* message({ maxWorkers: NaN }), "maxWorkers must be a positive integer: received NaN")
        assert.strictEqual(yield* message({ maxWorkers: "3" }), `maxWorkers must be a positive integer: received "3"`)
        assert.strictEqual(
          yield* message({ maxWorkers: 2, minWorkers: 3 }),
          "minWorkers must be an integer from 0 to 2: received 3"
        )
        assert.strictEqual(
          yield* message({ maxWorkers: 2, minWorkers: -1 }),
          "minWorkers must be an integer from 0 to 2: received -1"
        )
        assert.strictEqual(
          yield* message({ cancelGrace: "soon" }),
          `cancelGrace must be a duration of at least 0: received "soon"`
        )
        assert.strictEqual(
          yield* message({ cancelGrace: -5 }),
          "cancelGrace must be a duration of at least 0: received -5"
        )
        assert.strictEqual(
          yield* message({ setup: () => {} }),
          "setup must be a job, as Job.make makes it: received [Function: setup]"
        )
        // That is not to leave them out.
        for (
          const option of ["maxWorkers", "minWorkers", "cancelGrace", "idleTimeToLive", "maxJobsPerWorker", "setup"]
        ) {
          assert.match(yield* message({ [option]: null }), new RegExp(`^${option} must be an? .*: received null$`))
        }
      }))

    it.live("minWorkers are up before the layer is built", () =>
      Effect.gen(function*() {
        const executor = yield* Executor.Executor
        assert.strictEqual(executor.maxWorkers, 2)
        assert.propertyVal(yield* Executor.stats, "workers", 2)
      }).pipe(Effect.provide(layer({ maxWorkers: 2, minWorkers: 2 }))))
  })
}
