import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, layer } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Redacted, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import fs from "node:fs"
import { ClusterExecutor, Executor, ExecutorError } from "../lib/mod.ts"
import * as jobs from "./jobs/cluster.ts"
import * as effects from "./jobs/effects.ts"
import * as Notes from "./jobs/notes.ts"
import * as throws from "./jobs/throws.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { cluster, Database, program } from "./shared/cluster.ts"
import { until } from "./shared/until.ts"

const begun = (notes: Notes.Notes, label = "") => () =>
  Notes.lines(notes).some((line) => line.startsWith(`begin ${label}`))

const connection = Layer.unwrap(Effect.map(Database, ({ url }) => PgClient.layer({ url: Redacted.make(url) })))

layer(Database.layer, { excludeTestServices: true })("ClusterExecutor", (it) => {
  describe("Executor.run", () => {
    it.effect("succeeds with what a job returns, typed arrays within it included", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.square, 7), 49)
        assert.strictEqual(yield* Executor.run(effects.half, 84), 42)
        const thing = {
          text: "é",
          list: [1, null, [true]],
          arrays: { f: new Float32Array([1, 2]), b: new BigInt64Array([3n]) }
        }
        assert.deepStrictEqual(yield* Executor.run(values.echo, thing), thing)
        assert.strictEqual(yield* Executor.run(values.echo, undefined), undefined)
      }).pipe(Effect.provide(cluster())))

    it.effect("sends by the job's schemas what JSON cannot say", () =>
      Effect.gen(function*() {
        const event = { at: new Date(0), tags: new Set(["a"]), size: 2n ** 70n }
        assert.deepStrictEqual(yield* Executor.run(jobs.nextDay, event), { ...event, at: new Date(86_400_000) })
      }).pipe(Effect.provide(cluster())))

    it.effect("fails with CloneError that says where a value is no JSON, and goes on", () =>
      Effect.gen(function*() {
        const input = yield* Effect.flip(Executor.run(values.echo, { deep: [new Date(0)] }))
        assert.propertyVal(input, "side", "input")
        assert.include(input.message, "a Date at .deep[0] is not JSON: expected a schema for it")
        const result = yield* Effect.flip(Executor.run(values.square, 1e200))
        assert.propertyVal(result, "side", "result")
        assert.include(result.message, "Infinity is not JSON")
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(cluster())))

    it.effect("fails as on threads: typed failures, what was thrown, deadlines", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const small = yield* Effect.flip(Executor.run(effects.half, 2))
        assert.deepInclude({ ...small }, { _tag: "TooSmall", n: 2, limits: { min: 10 } })
        assert.strictEqual(small.message, "2 is below 10")
        assert.deepStrictEqual(yield* Effect.flip(Executor.run(effects.failPlain, 5)), { code: 5 })
        const threw = yield* Effect.flip(Executor.run(throws.throwing, "error"))
        assert.instanceOf(threw, ExecutorError.JobThrew)
        assert.match(threw.stack, /test\/jobs\/throws\.ts:\d+/)
        const running = yield* Effect.flip(Executor.run(jobs.busy, notes, { deadline: { running: 50 } }))
        assert.deepInclude({ ...running }, { _tag: "DeadlineExceeded", clock: "running", limitMs: 50 })
        const total = yield* Effect.flip(Executor.run(jobs.busy, notes, { deadline: { total: 500 } }))
        assert.deepInclude({ ...total }, { _tag: "DeadlineExceeded", clock: "total" })
        yield* Executor.submit(jobs.busy, notes)
        yield* Executor.submit(jobs.busy, notes)
        const queued = yield* Effect.flip(Executor.run(values.square, 1, { deadline: { queued: 50 } }))
        assert.deepInclude({ ...queued }, { _tag: "DeadlineExceeded", clock: "queued" })
      }).pipe(Effect.provide(cluster())))

    it.effect("fails with JobNotFound for a job that the runner was not given", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(jobs.unknown, undefined))
        assert.instanceOf(error, ExecutorError.JobNotFound)
        assert.match(
          error.message,
          /^Job "unknown" was not found in runner \S+: it runs "sin", .*give it to this runner/
        )
      }).pipe(Effect.provide(cluster())))

    it.effect("stops a busy job when it is interrupted, and its worker takes the next", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const fiber = yield* Executor.submit(jobs.busy, notes)
        yield* until(begun(notes))
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(cluster({ maxWorkers: 1 }))))

    it.effect("never starts a job that is interrupted while it waits", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const first = yield* Executor.submit(jobs.hold, { notes, label: "first" })
        yield* until(begun(notes, "first"))
        const second = yield* Executor.submit(jobs.hold, { notes, label: "second" })
        yield* Fiber.interrupt(second)
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(first), "first")
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        assert.isFalse(begun(notes, "second")())
      }).pipe(Effect.provide(cluster({ maxWorkers: 1 }))))
  })

  describe("Executor.map", () => {
    it.effect("runs chunks, and gives each item its own end", () =>
      Effect.gen(function*() {
        const exits = yield* Stream.make(1, -1, 2).pipe(
          Executor.mapExit(values.functionBelowZero, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(exits.map((exit) => Exit.isSuccess(exit) ? exit.value : Cause.hasFails(exit.cause)), [
          1,
          true,
          2
        ])
        const squares = yield* Stream.range(1, 5000).pipe(
          Executor.map(values.square, { chunkSize: 500 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(squares, Array.from({ length: 5000 }, (_, n) => (n + 1) ** 2))
      }).pipe(Effect.provide(cluster())))
  })

  describe("a result above 1 MB", () => {
    const lend = Effect.gen(function*() {
      const bytes = yield* Executor.run(values.bytes, { count: 3_000_001, n: 7 })
      assert.strictEqual(bytes.length, 3_000_001)
      assert.isTrue(bytes.every((byte) => byte === 7))
      const lent = yield* Executor.use(values.bytes, { count: 2_000_000, n: 1 }, (bytes) => {
        assert.isTrue(bytes.every((byte) => byte === 1))
        return Effect.succeed(bytes)
      })
      assert.strictEqual(lent.length, 0)
    })

    it.effect("goes through the database, and is gone from there when it was read", () =>
      Effect.gen(function*() {
        yield* Effect.provide(lend, cluster())
        const sql = yield* SqlClient
        assert.deepStrictEqual(yield* sql`SELECT * FROM effect_futures_results`, [])
      }).pipe(Effect.provide(connection)))

    it.effect("goes through a folder, and is gone from there when it was read", () =>
      Effect.gen(function*() {
        const resultFolder = yield* makeNotes
        yield* Effect.provide(lend, cluster({ resultFolder }))
        assert.deepStrictEqual(fs.readdirSync(resultFolder), [])
      }))

    it.effect("fails with ResultLost where the reader looks elsewhere", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const resultFolder = yield* makeNotes
        const runner = ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, resultFolder, jobs: [values.bytes] })
        const error = yield* Executor.run(values.bytes, { count: 2_000_000, n: 1 }).pipe(
          Effect.flip,
          Effect.provide(Layer.merge(runner, program()))
        )
        assert.propertyVal(error, "_tag", "ResultLost")
        assert.include(error.message, "and this program reads postgres: expected the same store on all sides")
      }))
  })

  describe("the option key", () => {
    it.effect("finds the result of a job that was finished under it, and runs nothing", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        Notes.openGate(notes)
        const ask = Executor.run(jobs.hold, { notes, label: "kept" }, { key: "finished" })
        assert.strictEqual(yield* Effect.provide(ask, cluster()), "kept")
        // No runner is there.
        assert.strictEqual(yield* Effect.provide(ask, program()), "kept")
        assert.strictEqual(Notes.lines(notes).length, 2)
      }))

    it.effect("is not poisoned by an interruption", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const ask = Executor.run(jobs.hold, { notes, label: "again" }, { key: "interrupted" })
        const fiber = yield* Effect.forkChild(ask)
        yield* until(begun(notes))
        yield* Fiber.interrupt(fiber)
        Notes.openGate(notes)
        assert.strictEqual(yield* ask, "again")
      }).pipe(Effect.provide(cluster())))

    it.effect("keeps a failure, until it is asked for again", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const ask = Executor.run(jobs.failUntilOpen, notes, { key: "failed" })
        const first = yield* Effect.provide(Effect.flip(ask), cluster())
        Notes.openGate(notes)
        const second = yield* Effect.provide(Effect.flip(ask), cluster())
        assert.deepStrictEqual([first.message, second.message], ["not yet", "not yet"])
        assert.strictEqual(yield* Effect.provide(ask, cluster({ retryFailed: true })), "done")
      }))

    it.effect("is refused for another input, or job", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.square, 2, { key: "mine" }), 4)
        const input = yield* Effect.flip(Executor.run(values.square, 3, { key: "mine" }))
        assert.strictEqual(
          input.message,
          `key must be a name for one input: this one has been used with another: received "mine"`
        )
        const job = yield* Effect.flip(Executor.run(values.echo, 2, { key: "mine" }))
        assert.include(job.message, `this one has been used with job "square"`)
      }).pipe(Effect.provide(cluster())))

    it.effect("runs a job once that is asked for twice at the same time", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const ask = Executor.run(jobs.hold, { notes, label: "both" }, { key: "twice" })
        const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask))
        yield* until(begun(notes))
        Notes.openGate(notes)
        assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["both", "both"])
        assert.strictEqual(Notes.lines(notes).length, 2)
      }).pipe(Effect.provide(cluster())))
  })

  describe("the option run", () => {
    it.effect("does what an earlier run of that name has not finished, and says what it took over", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        Notes.openGate(notes)
        const run = (count: number) =>
          Effect.gen(function*() {
            const takenOver: Array<boolean> = []
            yield* Effect.forEach(
              Array.from({ length: count }, (_, n) => `job ${n}`),
              (label) => Executor.run(jobs.hold, { notes, label })
            ).pipe(
              Effect.provideService(Executor.JobObserver, (event) => {
                if (event._tag === "Settled") takenOver.push(event.isTakenOver === true)
              }),
              Effect.provide(cluster({ run: "monday" }))
            )
            return takenOver
          })
        assert.deepStrictEqual(yield* run(2), [false, false])
        assert.deepStrictEqual(yield* run(3), [true, true, false])
        assert.strictEqual(Notes.lines(notes).length, 6)
      }))
  })
})
