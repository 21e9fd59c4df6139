import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, layer } from "@effect/vitest"
import {
  Cause,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Option,
  Redacted,
  Schedule,
  Stream
} from "effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import fs from "node:fs"
import path from "node:path"
import { tables } from "../lib/internal/cluster/tables.ts"
import { ClusterExecutor, Executor, ExecutorError, type Job, ResultStore } from "../lib/mod.ts"
import * as buffers from "./jobs/buffers.ts"
import * as jobs from "./jobs/cluster.ts"
import * as effects from "./jobs/effects.ts"
import * as faults from "./jobs/faults.ts"
import * as lives from "./jobs/lives.ts"
import * as Notes from "./jobs/notes.ts"
import * as throws from "./jobs/throws.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { cluster, connection, Database, program } from "./shared/cluster.ts"
import { recording } from "./shared/spans.ts"
import { until, untilStats } from "./shared/until.ts"

const begun = (notes: Notes.Notes, label = "") => () =>
  Notes.lines(notes).some((line) => line.startsWith(`begin ${label}`))

/** How a runner with `options` refuses to start. */
const runnerRefuses = (options: object) =>
  Layer.build(ClusterExecutor.runner({ databaseUrl: "postgres://127.0.0.1:1/db", jobs: [], ...options })).pipe(
    Effect.flip,
    Effect.map((error) => error.message),
    Effect.scoped
  )

const endless = function*() {
  for (;;) yield new Uint8Array(500_000)
}

/** One after the other, programs that end as soon as they have their result, or before. */
const endAtOnce = (options: Partial<ClusterExecutor.Options>) =>
  Effect.gen(function*() {
    const echo = Executor.run(values.echo, new Uint8Array(5_000_000))
    for (const ms of [Infinity, Infinity, 10, 20, 40, 80, 160]) {
      yield* Effect.provide(Effect.timeoutOption(echo, ms), program(options))
    }
  }).pipe(Effect.provide(cluster(options)))

const messageOf = (databaseUrl: string) =>
  Effect.map(Effect.flip(Layer.build(ClusterExecutor.layer({ databaseUrl }))), ({ message }) => message)

layer(Database.layer, { excludeTestServices: true })("ClusterExecutor", (it) => {
  describe("Executor.run", () => {
    it.effect("succeeds with what a job returns, typed arrays within it included", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.square, 7), 49)
        assert.strictEqual(yield* Executor.run(effects.half, 84), 42)
        const thing = {
          text: "é",
          list: [1, null, [true]],
          arrays: { f: new Float32Array([1, 2]), b: new BigInt64Array([3n]) },
          zeros: [0, -0, { zero: -0 }],
          nothing: { first: undefined, list: [undefined, new Uint8Array([4]), undefined], last: null }
        }
        assert.deepStrictEqual(yield* Executor.run(values.echo, thing), thing)
        for (const alone of [undefined, -0, [undefined]]) {
          assert.deepStrictEqual(yield* Executor.run(values.echo, alone), alone)
        }
      }).pipe(Effect.provide(cluster())))

    it.effect("sends by the job's schemas what JSON cannot say", () =>
      Effect.gen(function*() {
        const event = { at: new Date(0), tags: new Set(["a"]), size: 2n ** 70n, values: new Float64Array([NaN, 1]) }
        assert.deepStrictEqual(yield* Executor.run(jobs.nextDay, event), { ...event, at: new Date(86_400_000) })
        const refused = yield* Effect.flip(Executor.run(jobs.refuse, 5))
        assert.deepInclude({ ...refused }, { _tag: "Refused", at: new Date(5), size: 2n ** 70n })
        const { first, rest } = yield* Executor.run(jobs.week, 0)
        assert.deepStrictEqual([first, ...rest].map(({ at, weekday }) => [at.getTime(), weekday]), [
          [0, 4],
          [86_400_000, 5]
        ])
      }).pipe(Effect.provide(cluster())))

    it.effect("has a job's schemas make whole what a thread's clone would not, on the way to it and back", () =>
      Effect.gen(function*() {
        const { first: thursday } = yield* Executor.run(jobs.week, 0)
        const days = new Map([["epoch", thursday]])
        const plan = { after: Duration.millis(5), next: Option.some(thursday), none: Option.none(), days }
        const replanned = yield* Executor.run(jobs.replan, plan)
        assert.deepStrictEqual(replanned, {
          ...plan,
          after: Duration.millis(10),
          days: new Map([["epoch 4", thursday]])
        })
      }).pipe(Effect.provide(cluster())))

    it.effect("fails with CloneError that says where a value is no JSON, and goes on", () =>
      Effect.gen(function*() {
        const input = yield* Effect.flip(Executor.run(values.echo, { deep: [new Date(0)] }))
        assert.propertyVal(input, "side", "input")
        assert.include(input.message, "a Date at .deep[0] is not JSON: expected a schema for it")
        assert.include(input.message, "{ input: … }")
        // oxlint-disable-next-line no-sparse-arrays
        const hole = yield* Effect.flip(Executor.run(values.echo, [1, , 3]))
        assert.include(hole.message, "a hole at [1] is not JSON")
        const match = yield* Effect.flip(Executor.run(values.echo, /b/.exec("abc")))
        assert.include(match.message, "an array with properties of its own is not JSON")
        const result = yield* Effect.flip(Executor.run(values.square, 1e200))
        assert.propertyVal(result, "side", "result")
        assert.include(result.message, "Infinity is not JSON")
        assert.include(result.message, "{ result: … }")
        const error = yield* Effect.flip(Executor.run(jobs.refusePlainly, 5))
        assert.include(String(error), "a Date at .at is not JSON")
        assert.include(String(error), "{ error: … }")
        const bySchema = yield* Effect.flip(Executor.run(jobs.bytesBySchema, undefined))
        assert.include(bySchema.message, "{ toCodecJson: () => undefined }")
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

    it.effect("loses the job alone whose worker dies, and counts the workers", () =>
      Effect.gen(function*() {
        const died = yield* Effect.flip(Executor.run(faults.exit, 7))
        assert.deepInclude({ ...died }, { _tag: "WorkerDied", job: "exit", exitCode: 7, attempt: 1 })
        const again = yield* Effect.flip(Executor.run(faults.exit, 7, { retryWorkerDeath: 1 }))
        assert.propertyVal(again, "attempt", 2)
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        assert.deepInclude(yield* Executor.stats, { finished: 1, failed: 2, died: 3 })
      }).pipe(Effect.provide(cluster())))

    it.effect("fails with JobNotFound for a job that the runner was not given", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(jobs.unknown, undefined))
        assert.instanceOf(error, ExecutorError.JobNotFound)
        assert.match(
          error.message,
          /^Job "unknown" was not found in runner \S+: it runs "sin", .*give it to this runner/
        )
        const exits = yield* Stream.make(undefined, undefined, undefined).pipe(
          Executor.mapExit(jobs.unknown, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(exits, exits.map(() => Exit.fail(error)))
        assert.lengthOf(exits, 3)
      }).pipe(Effect.provide(cluster())))

    it.effect("stops a busy job when it is interrupted, tells where, and its worker takes the next", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const workers: Array<number | undefined> = []
        const fiber = yield* Executor.submit(jobs.busy, notes).pipe(
          Effect.provideService(Executor.JobObserver, (event) => {
            if (event._tag !== "Submitted") workers.push(event.workerId)
          })
        )
        yield* until(begun(notes))
        yield* until(() => workers.length === 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        assert.isNumber(workers[1], "the observer is told where it was")
        assert.strictEqual(workers[1], workers[0])
      }).pipe(Effect.provide(cluster({ maxWorkers: 1 }))))

    it.effect("leaves no job behind when its program ends, however soon", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        for (let ms = 0; ms < 10; ms++) {
          const submit = Executor.submit(jobs.hold, { notes, label: "left" })
          yield* Effect.provide(Effect.andThen(submit, Effect.sleep(ms / 2)), program())
        }
        const { waiting, running } = (yield* ClusterExecutor.status({ databaseUrl })).jobs
        assert.deepStrictEqual({ waiting, running }, { waiting: 0, running: 0 })
      }))

    it.effect("has the input forgotten of a job that waits when its program ends", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient
        const latest = sql<{ readonly state: string; readonly input: unknown }>`
          SELECT state, input FROM effect_futures_jobs ORDER BY created_at DESC LIMIT 1`
        const isWaiting = Effect.map(latest, ([job]) => job?.state === "waiting")
        yield* Executor.submit(values.square, 3).pipe(
          Effect.andThen(Effect.repeat(isWaiting, { until: (isSo) => isSo })),
          Effect.provide(program())
        )
        assert.deepStrictEqual(yield* latest, [{ state: "cancelled", input: null }])
      }).pipe(Effect.provide(connection)))

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

  describe("Executor.stats", () => {
    it.effect("counts as busy the workers that run this program's jobs, and no others", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const fiber = yield* Executor.submit(jobs.hold, { notes, label: "held" })
        yield* untilStats(({ busy }) => busy === 1)
        // Longer than until a program next asks what there is.
        const other = Effect.andThen(Effect.sleep("1500 millis"), Executor.stats)
        assert.deepInclude(yield* Effect.provide(other, program()), { workers: 2, busy: 0 })
        Notes.openGate(notes)
        yield* Fiber.join(fiber)
        assert.deepInclude(yield* Executor.stats, { workers: 2, busy: 0 })
      }).pipe(Effect.provide(cluster())))
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

    it.effect("fails with the first item of a chunk that fails, whose others never end", () =>
      Effect.gen(function*() {
        const error = yield* Stream.make(-1, 0).pipe(
          Executor.map(jobs.failBelowZero, { chunkSize: 2 }),
          Stream.runDrain,
          Effect.flip
        )
        assert.strictEqual(error.message, "-1 is below 0")
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(cluster({ maxWorkers: 1 }))))

    it.effect("never starts the items of a chunk after one that cannot be sent", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        Notes.openGate(notes)
        const read: Array<string> = []
        const error = yield* Stream.make("first", new Date(0) as never, "third").pipe(
          Stream.map((label) => ({ notes, label })),
          Executor.map(jobs.hold, { chunkSize: 3, concurrency: 1 }),
          Stream.runForEach((label) => Effect.sync(() => read.push(label))),
          Effect.flip
        )
        assert.propertyVal(error, "_tag", "CloneError")
        assert.deepStrictEqual(read, ["first"])
        assert.deepStrictEqual(Notes.lines(notes), ["begin first", "end first"])
      }).pipe(Effect.provide(cluster({ maxWorkers: 1 }))))
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
        yield* endAtOnce({})
        const sql = yield* SqlClient
        assert.deepStrictEqual(yield* sql`SELECT * FROM effect_futures_results`, [])
      }).pipe(Effect.provide(connection)))

    it.effect("goes through a folder, and is gone from there when it was read", () =>
      Effect.gen(function*() {
        const resultFolder = yield* makeNotes
        yield* Effect.provide(lend, cluster({ resultFolder }))
        yield* endAtOnce({ resultFolder })
        assert.deepStrictEqual(fs.readdirSync(resultFolder), [])
      }))

    it.effect("is written by its worker, which then fills its memory again", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const resultFolder = yield* makeNotes
        const runner = ClusterExecutor.runner({ databaseUrl, resultFolder, maxWorkers: 1, jobs: [buffers.refilled] })
        const input = { length: 200_000, value: 5 }
        yield* Effect.gen(function*() {
          const first = yield* Executor.run(buffers.refilled, input)
          assert.isTrue(first.values.length === input.length && first.values.every((value) => value === input.value))
          assert.deepInclude(yield* Executor.run(buffers.refilled, input), { found: input.value, lengthOfLast: 0 })
        }).pipe(Effect.provide(Layer.merge(runner, program({ resultFolder }))))
      }))

    it.effect("goes through a folder as the job's schema says, and is gone from there when it was read", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const resultFolder = yield* makeNotes
        const runner = ClusterExecutor.runner({ databaseUrl, resultFolder, maxWorkers: 1, jobs: [jobs.nextDay] })
        const event = { at: new Date(0), tags: new Set(["a"]), size: 1n, values: new Float64Array(200_000).fill(7) }
        const next = yield* Executor.run(jobs.nextDay, event).pipe(
          Effect.provide(Layer.merge(runner, program({ resultFolder })))
        )
        assert.deepStrictEqual(next, { ...event, at: new Date(86_400_000) })
        assert.deepStrictEqual(fs.readdirSync(resultFolder), [])
      }))

    it.effect("is gone from the folder when its job was stopped", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const [notes, resultFolder] = [yield* makeNotes, yield* makeNotes]
        const runner = ClusterExecutor.runner({ databaseUrl, resultFolder, maxWorkers: 1, jobs: [buffers.whenStopped] })
        yield* Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(Executor.run(buffers.whenStopped, notes))
          yield* until(begun(notes))
          yield* Fiber.interrupt(fiber)
        }).pipe(Effect.provide(Layer.merge(runner, program({ resultFolder }))))
        assert.deepStrictEqual(fs.readdirSync(resultFolder), [])
      }))

    it.effect("is gone from the database when its writing was interrupted", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        yield* ClusterExecutor.status({ databaseUrl: url })
        const store = yield* ResultStore.ResultStore
        for (let ms = 1; ms <= 20; ms++) yield* Effect.timeoutOption(store.write(endless()), ms)
        yield* Effect.sleep("100 millis")
        const sql = yield* SqlClient
        assert.deepStrictEqual(yield* sql`SELECT id, part FROM effect_futures_results`, [])
      }).pipe(Effect.provide(Layer.provideMerge(ResultStore.layerPostgres, connection))))

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

    for (const isLost of [false, true]) {
      it.effect(`runs again with the input of who asks again, the old one ${isLost ? "lost" : "removed"}`, () =>
        Effect.gen(function*() {
          const { url: databaseUrl } = yield* Database
          const resultFolder = yield* makeNotes
          const input = { list: Array.from({ length: 600_000 }, () => 0) }
          const ask = Executor.run(values.append, input, { key: `input, lost: ${isLost}` })
          const runner = ClusterExecutor.runner({ databaseUrl, resultFolder, maxWorkers: 1, jobs: [values.append] })
          yield* Effect.gen(function*() {
            const fiber = yield* Effect.forkChild(ask)
            yield* ClusterExecutor.status({ databaseUrl }).pipe(
              Effect.repeat({ until: (status) => status.jobs.waiting === 1, schedule: Schedule.spaced(20) })
            )
            yield* Fiber.interrupt(fiber)
            const [old] = fs.readdirSync(resultFolder)
            if (isLost) fs.rmSync(path.join(resultFolder, old!))
            assert.strictEqual(yield* Effect.provide(ask, runner), input.list.length + 1)
            yield* until(() => fs.readdirSync(resultFolder).length === 1)
            assert.notInclude(fs.readdirSync(resultFolder), old)
          }).pipe(Effect.provide(program({ resultFolder })))
        }))
    }

    for (const leaver of ["first", "second"]) {
      for (const isBegun of [true, false]) {
        it.effect(`goes on when the ${leaver} of two who want it interrupts it, begun: ${isBegun}`, () =>
          Effect.gen(function*() {
            const { url: databaseUrl } = yield* Database
            const notes = yield* makeNotes
            const sql = yield* SqlClient
            const key = `wanted, ${leaver} leaves, begun: ${isBegun}`
            const ask = Executor.run(jobs.hold, { notes, label: "shared" }, { key })
            const runner = ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [jobs.hold] })
            const untilWanted = (by: number) =>
              sql`SELECT id FROM effect_futures_jobs WHERE id = ${`key/${key}`} AND cardinality(clients) = ${by}`.pipe(
                Effect.repeat({ until: (wanted) => wanted.length > 0 })
              )
            if (isBegun) yield* Layer.build(runner)
            const first = yield* Effect.forkChild(ask)
            yield* untilWanted(1)
            if (isBegun) yield* until(begun(notes))
            const second = yield* Effect.forkChild(Effect.provide(ask, program()))
            yield* untilWanted(2)
            yield* Fiber.interrupt(leaver === "first" ? first : second)
            yield* untilWanted(1)
            if (!isBegun) yield* Layer.build(runner)
            Notes.openGate(notes)
            assert.strictEqual(yield* Fiber.join(leaver === "first" ? second : first), "shared")
            assert.deepStrictEqual(Notes.lines(notes), ["begin shared", "end shared"])
            const [row] = yield* sql<{ submission: number }>`
              SELECT submission FROM effect_futures_jobs WHERE id = ${`key/${key}`}`
            assert.strictEqual(row!.submission, 1)
          }).pipe(Effect.provide([program(), connection])))
      }
    }

    it.effect("passes its limit total for who has one, and goes on for another", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const ask = (deadline: Executor.RunOptions["deadline"] = {}) =>
          Executor.run(jobs.hold, { notes, label: "limited" }, { key: "limited", deadline })
        const keeps = yield* Effect.forkChild(ask())
        yield* until(begun(notes))
        const error = yield* Effect.provide(Effect.flip(ask({ total: "500 millis" })), program())
        assert.propertyVal(error, "clock", "total")
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(keeps), "limited")
        assert.deepStrictEqual(Notes.lines(notes), ["begin limited", "end limited"])
      }).pipe(Effect.provide(cluster())))

    it.effect("passes the limit queued of who has one, and waits on for another", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const ask = (deadline: Executor.RunOptions["deadline"] = {}) =>
          Executor.run(jobs.hold, { notes, label: "waits" }, { key: "waits", deadline })
        const kept = yield* Effect.forkChild(ask())
        yield* ClusterExecutor.status({ databaseUrl }).pipe(
          Effect.repeat({ until: (status) => status.jobs.waiting === 1, schedule: Schedule.spaced(20) })
        )
        const limited = yield* Effect.forEach([1, 2], () => Effect.forkChild(Effect.flip(ask({ queued: "50 millis" }))))
        for (const error of yield* Fiber.joinAll(limited)) assert.propertyVal(error, "clock", "queued")
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [jobs.hold] }))
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(kept), "waits")
        const rows = yield* sql`SELECT submission FROM effect_futures_jobs WHERE id = 'key/waits'`
        assert.deepStrictEqual(rows, [{ submission: 1 }])
      }).pipe(Effect.provide([program({ maxWorkers: 8 }), connection])))

    it.effect("is stopped when all have passed their limit total", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [jobs.busy, values.square] }))
        const options = { key: "limited alike", deadline: { total: "500 millis" } } as const
        const ask = Effect.flip(Executor.run(jobs.busy, notes, options))
        const errors = yield* Effect.all([ask, ask], { concurrency: "unbounded" })
        for (const error of errors) assert.propertyVal(error, "clock", "total")
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(program({ maxWorkers: 8 }))))

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

    it.effect("keeps of a chunk that fails again and again the last result alone", () =>
      Effect.gen(function*() {
        const resultFolder = yield* makeNotes
        const inputs = [{ count: 1_500_000, n: 1 }, { count: -1, n: 1 }]
        const names = new Set<string>()
        for (const retryFailed of [false, true, true]) {
          yield* Stream.fromIterable(inputs).pipe(
            Executor.mapExit(values.bytes, { chunkSize: 2 }),
            Stream.runDrain,
            Effect.provide(cluster({ resultFolder, run: "fails in part", retryFailed }))
          )
          const [name, ...others] = fs.readdirSync(resultFolder)
          assert.deepStrictEqual(others, [])
          names.add(name!)
        }
        assert.strictEqual(names.size, 3)
      }))

    it.effect("has the limits of who asks again, not of who asked first", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const ask = (deadline: Executor.RunOptions["deadline"]) =>
          Executor.run(jobs.spin, { notes, label: 1, ms: 200 }, { key: "limits", ...(deadline && { deadline }) })
        const first = yield* Effect.provide(Effect.flip(ask({ running: 50 })), cluster())
        assert.propertyVal(first, "_tag", "DeadlineExceeded")
        assert.propertyVal(yield* Effect.provide(ask(undefined), cluster({ retryFailed: true })), "label", 1)
      }))

    it.effect("keeps a large result, lends each who asks its own, and finds again what was lost", () =>
      Effect.gen(function*() {
        const resultFolder = yield* makeNotes
        const input = { count: 2_000_000, n: 3 }
        const options = { key: "large" }
        const [read, lent] = yield* Effect.all([
          Executor.run(values.bytes, input, options),
          Executor.use(values.bytes, input, (bytes) => Effect.as(Effect.sleep("50 millis"), bytes.length), options),
          Executor.use(values.bytes, input, (bytes) => Effect.succeed(bytes.length), options)
        ], { concurrency: "unbounded" }).pipe(Effect.provide(cluster({ resultFolder })))
        assert.deepStrictEqual([read.length, read[0], lent], [input.count, 3, input.count])

        const again = Effect.map(Executor.run(values.bytes, input, options), ({ length }) => length)
        assert.strictEqual(yield* Effect.provide(again, cluster({ resultFolder })), input.count)
        for (const name of fs.readdirSync(resultFolder)) fs.rmSync(path.join(resultFolder, name), { recursive: true })
        const lost = yield* Effect.provide(Effect.flip(again), cluster({ resultFolder }))
        assert.propertyVal(lost, "_tag", "ResultLost")
        assert.strictEqual(yield* Effect.provide(again, cluster({ resultFolder, retryFailed: true })), input.count)
      }))

    it.effect("does not keep that a runner did not have the job", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const runner = (...known: ReadonlyArray<Job.Any>) =>
          Layer.merge(ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: known }), program())
        const ask = Executor.run(values.square, 3, { key: "nobody had it" })
        const error = yield* Effect.provide(Effect.flip(ask), runner(values.echo))
        assert.propertyVal(error, "_tag", "JobNotFound")
        const other = Executor.run(values.square, 4, { key: "nobody had it" })
        assert.propertyVal(yield* Effect.provide(Effect.flip(other), program()), "_tag", "InvalidOptions")
        assert.strictEqual(yield* Effect.provide(ask, runner(values.square)), 9)
      }))

    for (
      const [what, job, options, tag] of [
        ["start a worker", values.square, { setup: lives.setupExits }, "WorkerStartError"],
        ["read the input", values.echo, { resultFolder: "/dev/null/results" }, "CloneError"],
        ["store the result", values.bytes, { resultFolder: "/dev/null/results" }, "CloneError"]
      ] as const
    ) {
      it.effect(`does not keep that a runner could not ${what}`, () =>
        Effect.gen(function*() {
          const { url: databaseUrl } = yield* Database
          const resultFolder = yield* makeNotes
          const runner = { databaseUrl, resultFolder, maxWorkers: 1, jobs: [job] }
          const input = job === values.square ? 3 : job === values.bytes ? { count: 2e6, n: 1 } : new Uint8Array(2e6)
          yield* Effect.gen(function*() {
            const ask = Executor.run(job as Job.Job<unknown, unknown>, input, { key: `could not ${what}` })
            const error = yield* Effect.provide(Effect.flip(ask), ClusterExecutor.runner({ ...runner, ...options }))
            assert.propertyVal(error, "_tag", tag)
            yield* Effect.provide(ask, ClusterExecutor.runner(runner))
          }).pipe(Effect.provide(program({ resultFolder })))
        }))
    }

    it.effect("keeps that a result cannot be sent", () =>
      Effect.gen(function*() {
        for (const [job, input] of [[values.functionBelowZero, -1], [jobs.longText, 30_000_000]] as const) {
          const ask = Effect.flip(Executor.run<number, unknown, never>(job, input, { key: `unsendable ${input}` }))
          const error = yield* Effect.provide(ask, cluster())
          assert.propertyVal(error, "_tag", "CloneError")
          // No runner is there.
          assert.deepStrictEqual(yield* Effect.provide(ask, program()), error)
        }
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

    it.effect("is refused for another input, or job, also while the one that has it runs", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const key = "mine while it runs"
        const first = yield* Effect.forkChild(Executor.run(jobs.hold, { notes, label: "first" }, { key }))
        yield* until(begun(notes))
        const input = yield* Effect.flip(Executor.run(jobs.hold, { notes, label: "second" }, { key }))
        assert.include(input.message, "this one has been used with another")
        const job = yield* Effect.flip(Executor.run(values.square, 2, { key }))
        assert.include(job.message, `this one has been used with job "hold"`)
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(first), "first")
      }).pipe(Effect.provide(cluster())))

    it.effect("is refused to another program, and leaves the job that has it alone", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        const key = "another program's"
        const refused = Effect.flip(Executor.run(values.square, 2, { key })).pipe(Effect.provide(program()))
        const runner = ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [jobs.hold, values.square] })
        const first = yield* Effect.forkChild(Executor.run(jobs.hold, { notes, label: "first" }, { key }))
        yield* ClusterExecutor.status({ databaseUrl }).pipe(
          Effect.repeat({ until: (status) => status.jobs.waiting === 1, schedule: Schedule.spaced(20) })
        )
        assert.include((yield* refused).message, `this one has been used with job "hold"`)
        yield* Effect.gen(function*() {
          yield* until(begun(notes))
          assert.include((yield* refused).message, `this one has been used with job "hold"`)
          Notes.openGate(notes)
          assert.strictEqual(yield* Fiber.join(first), "first")
        }).pipe(Effect.provide(runner))
        assert.deepStrictEqual(Notes.lines(notes), ["begin first", "end first"])
      }).pipe(Effect.provide(program())))

    it.effect("is refused where no database can keep it, as is a run's name", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        for (const name of ["", "a".repeat(201), "a\0b"]) {
          const key = yield* Effect.flip(Executor.run(values.square, 2, { key: name }))
          assert.instanceOf(key, ExecutorError.InvalidOptions)
          assert.include(key.message, "key must be of 1 to 200 characters, none of them NUL: received ")
          const run = yield* Effect.flip(Layer.build(ClusterExecutor.layer({ databaseUrl, run: name })))
          assert.include(run.message, "run must be of 1 to 200 characters, none of them NUL: received ")
        }
        const half = yield* Effect.flip(Executor.run(values.square, 2, { key: "a\ud800" }))
        assert.include(half.message, "key must be of whole characters")
        assert.strictEqual(yield* Executor.run(values.square, 2, { key: "a".repeat(200) }), 4)
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

    it.effect("tells who asks for a job that runs that it has started", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const ask = Executor.run(jobs.hold, { notes, label: "joined" }, { key: "joined" })
        const first = yield* Effect.forkChild(ask)
        yield* untilStats(({ busy, queued }) => busy === 1 && queued === 0)
        const events: Array<string> = []
        const second = yield* ask.pipe(
          Effect.provideService(Executor.JobObserver, ({ _tag }) => events.push(_tag)),
          Effect.forkChild({ startImmediately: true })
        )
        assert.propertyVal(yield* Executor.stats, "queued", 1)
        yield* untilStats(({ queued }) => queued === 0)
        assert.deepStrictEqual(events, ["Submitted", "Started"])
        Notes.openGate(notes)
        assert.deepStrictEqual(yield* Fiber.joinAll([first, second]), ["joined", "joined"])
      }).pipe(Effect.provide(cluster())))
  })

  describe("a runner", () => {
    it.effect("is a member of an Effect cluster: with another it shares the shards, alone it holds all", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const shards = Effect.map(
          ClusterExecutor.status({ databaseUrl: url }),
          ({ runners }) => runners.map(({ shards }) => shards)
        )
        const runner = ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: [] })
        yield* Layer.build(runner)
        const untilShards = (expected: ReadonlyArray<number>) =>
          Effect.repeat(shards, { until: (held) => held.join() === expected.join(), schedule: Schedule.spaced(50) })
        yield* untilShards([60])
        yield* Effect.scoped(Effect.andThen(Layer.build(Layer.fresh(runner)), untilShards([30, 30])))
        yield* untilShards([60])
      }))

    it.effect("hears of new jobs, however seldom it asks", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const runner = ClusterExecutor.runner({
          databaseUrl: url,
          maxWorkers: 2,
          jobs: [values.square],
          pollInterval: "1 hour"
        })
        const squares = yield* Stream.range(1, 6).pipe(
          Stream.mapEffect((n) => Executor.run(values.square, n), { concurrency: 2 }),
          Stream.runCollect,
          Effect.provide(Layer.merge(program(), runner))
        )
        assert.deepStrictEqual(squares, [1, 4, 9, 16, 25, 36])
      }))

    it.effect("lets go of what a job left behind when its time is over", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const notes = yield* makeNotes
        Notes.openGate(notes)
        const ask = Executor.run(jobs.hold, { notes, label: "old" }, { key: "old" })
        const runner = ClusterExecutor.runner({
          databaseUrl: url,
          maxWorkers: 1,
          jobs: [jobs.hold],
          keepFor: "1 second"
        })
        yield* Effect.gen(function*() {
          yield* ask
          yield* ClusterExecutor.status({ databaseUrl: url }).pipe(
            Effect.repeat({ until: (status) => status.jobs.done === 0, schedule: Schedule.spaced(50) })
          )
          yield* ask
        }).pipe(Effect.provide(Layer.merge(program(), runner)))
        assert.strictEqual(Notes.lines(notes).length, 4)
      }))

    it.effect("lets go of jobs without a key whose program was killed: one that has no ticket, and one that runs", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const jobsOfRunner = [jobs.hold]
        yield* Layer.build(
          ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: jobsOfRunner, keepFor: "1 second" })
        )
        const fiber = yield* Executor.submit(jobs.hold, { notes, label: "killed" })
        yield* until(begun(notes))
        yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, clients)
          VALUES ('killed/0', false, 'hold', 1, '', '', '{killed}')`
        yield* sql`UPDATE effect_futures_jobs SET clients = '{killed}' WHERE state = 'running'`
        yield* until(() => Notes.lines(notes).includes("abort killed"))
        yield* sql`SELECT id FROM effect_futures_jobs WHERE id = 'killed/0' AND state = 'waiting'`.pipe(
          Effect.repeat({ until: (waiting) => waiting.length === 0, schedule: Schedule.spaced(50) })
        )
        Notes.openGate(notes)
        yield* Fiber.interrupt(fiber)
      }).pipe(Effect.provide([program(), connection])))

    for (const where of ["database", "folder"] as const) {
      it.effect(`keeps an input in the ${where} for as long as its job waits`, () =>
        Effect.gen(function*() {
          const { url: databaseUrl } = yield* Database
          const notes = yield* makeNotes
          const folder = yield* makeNotes
          const options = { databaseUrl, ...(where === "folder" && { resultFolder: folder }) }
          const jobsOfRunner = [jobs.hold, values.echo]
          const runner = ClusterExecutor.runner({ ...options, maxWorkers: 1, jobs: jobsOfRunner, keepFor: "1 second" })
          const layerStore = where === "folder" ? ResultStore.layerFolder(folder) : ResultStore.layerPostgres
          const layerClient = ClusterExecutor.layer({ ...options, maxWorkers: 2 })
          const input = new Uint8Array(2_000_000)
          yield* Effect.gen(function*() {
            const held = yield* Executor.submit(jobs.hold, { notes, label: "first" })
            yield* until(begun(notes))
            const waits = yield* Executor.submit(values.echo, input)
            yield* ClusterExecutor.status(options).pipe(
              Effect.repeat({ until: (status) => status.jobs.waiting === 1, schedule: Schedule.spaced(20) })
            )
            const store = yield* ResultStore.ResultStore
            const younger = yield* store.write([input])
            yield* Stream.runDrain(store.read(younger)).pipe(
              Effect.repeat(Schedule.spaced(50)),
              Effect.flip
            )
            Notes.openGate(notes)
            yield* Fiber.join(held)
            assert.deepStrictEqual(yield* Fiber.join(waits), input)
          }).pipe(Effect.provide(Layer.mergeAll(layerClient, runner, Layer.provide(layerStore, connection))))
        }))
    }

    it.effect("keeps house also where it keeps results for ever", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        yield* ClusterExecutor.status({ databaseUrl: url })
        const sql = yield* SqlClient
        yield* sql`INSERT INTO effect_futures_runners (address, pid, workers, jobs, seen_at)
          VALUES ('dead', 1, 1, '[]', now() - interval '2 hours')`
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: [], keepFor: Infinity }))
        yield* sql`SELECT id FROM effect_futures_runners WHERE address = 'dead'`.pipe(
          Effect.repeat({ until: (dead) => dead.length === 0, schedule: Schedule.spaced(50) })
        )
      }).pipe(Effect.provide(connection)))

    it.effect("stops a job that another has ended, which took it for dead", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const fiber = yield* Effect.forkChild(Effect.exit(Executor.run(jobs.hold, { notes, label: "elsewhere" })))
        yield* until(begun(notes))
        yield* sql`UPDATE effect_futures_jobs SET state = 'failed', settled_at = now() WHERE state = 'running'`
        yield* until(() => Notes.lines(notes).includes("abort elsewhere"))
        yield* Fiber.join(fiber)
      }).pipe(Effect.provide([cluster(), connection])))

    it.effect("stops such a job as soon as it listens again, and does not wait for its next beat", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const locked = yield* Deferred.make<void>()
        const hasStopped = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(Effect.exit(Executor.run(jobs.hold, { notes, label: "unheard" })))
        yield* until(begun(notes))
        // Its beats wait for this.
        const locker = yield* sql`SELECT id FROM effect_futures_runners FOR UPDATE`.pipe(
          Effect.andThen(Deferred.succeed(locked, undefined)),
          Effect.andThen(Deferred.await(hasStopped)),
          sql.withTransaction,
          Effect.forkChild
        )
        yield* Deferred.await(locked)
        yield* sql`UPDATE effect_futures_jobs SET state = 'failed', settled_at = now() WHERE state = 'running'`
        yield* sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'effect-futures runner' AND query LIKE 'LISTEN%'`.pipe(
          Effect.repeat({ until: (cut) => cut.length > 0, schedule: Schedule.spaced(50) })
        )
        yield* until(() => Notes.lines(notes).includes("abort unheard"))
        yield* Deferred.succeed(hasStopped, undefined)
        yield* Fiber.join(locker)
        yield* Fiber.join(fiber)
      }).pipe(Effect.provide([cluster(), connection])))

    it.effect("is known again that was away for so long that it was removed", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const sql = yield* SqlClient
        const jobsOfRunner = [values.square]
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl, maxWorkers: 3, jobs: jobsOfRunner, address: "back" }))
        yield* sql`DELETE FROM effect_futures_runners WHERE address = 'back'`
        const { runners } = yield* ClusterExecutor.status({ databaseUrl }).pipe(
          Effect.repeat({ until: ({ runners }) => runners.length > 0, schedule: Schedule.spaced(50) })
        )
        assert.deepInclude(runners[0], { address: "back", workers: 3, pid: process.pid })
      }).pipe(Effect.provide(connection)))

    it.effect("refuses a job whose name no database can keep, as does the program", () =>
      Effect.gen(function*() {
        for (const name of ["a".repeat(201), "a\0b"]) {
          const job = { ...values.square, name }
          const runner = yield* runnerRefuses({ jobs: [job] })
          assert.include(runner, "a job's name must be of 1 to 200 characters, none of them NUL: received ")
          const program = yield* Effect.flip(Executor.run(job, 2))
          assert.instanceOf(program, ExecutorError.InvalidOptions)
          assert.strictEqual(program.message, runner)
        }
      }).pipe(Effect.provide(program({ run: "a".repeat(200) }))))

    it.effect("refuses jobs of one name, for it knows them by their names", () =>
      Effect.gen(function*() {
        const twins = ClusterExecutor.runner({ databaseUrl: "", jobs: [values.square, values.square] })
        const error = yield* Effect.flip(Layer.build(twins))
        assert.strictEqual(error.message, `jobs must be of names that are all different: received "square"`)
      }))
  })

  describe("what is wrong with a cluster", () => {
    it.effect("is said where no runner is up", () =>
      Effect.gen(function*() {
        const said: Array<unknown> = []
        const logger = Logger.layer([Logger.make(({ message }) => void said.push(message))])
        yield* Executor.submit(values.square, 3).pipe(
          Effect.andThen(until(() => said.length > 0)),
          Effect.provide(Layer.provide(program(), logger))
        )
        assert.include(String(said[0]), "No runner of the cluster is up")
      }))

    it.effect.skipIf(process.platform !== "linux")(
      "is found out where the machine of its database is gone",
      () =>
        Effect.gen(function*() {
          const { port } = yield* Database
          // https://docs.kernel.org/networking/proc_net_tcp.html: the far port, "established", and a keepalive timer.
          const far = port.toString(16).toUpperCase().padStart(4, "0")
          const probed = new RegExp(`:${far} 01 \\S+ 02:`)
          yield* until(() => probed.test(fs.readFileSync("/proc/net/tcp", "utf8")))
        }).pipe(Effect.provide(program()))
    )

    it.effect("is said when its database is away, or nobody's", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          yield* messageOf("postgres://me:secret@127.0.0.1:1/db"),
          "The cluster's database at postgres://me@127.0.0.1:1/db cannot be used: nothing listens at 127.0.0.1:1: " +
            "start Postgres there, or a cluster by scripts/cluster.ts up"
        )
        assert.include(
          yield* messageOf("nonsense"),
          "expected a URL such as postgres://user:password@host:5432/database"
        )
        assert.include(yield* messageOf("mysql://me:secret@host/db"), `"mysql://me:…@host/db" cannot be used: expected`)
        for (
          const url of [
            "postgres://me:sec/ret@127.0.0.1:5432/db",
            "postgres://me:/secret@127.0.0.1:5432/db",
            "postgres://me:1#secret@127.0.0.1:5432/db",
            "postgres://me:1?secret@127.0.0.1:5432/db",
            "postgres://me:x@1/secret@127.0.0.1:5432/db",
            "host=localhost user=me password=secret",
            "mysql://host/db?user=me&password=secret",
            "mysql://me:s@secret@host/db"
          ]
        ) {
          assert.notMatch(yield* messageOf(url), /sec|ret|me:1/)
        }
      }))

    it.effect("is said of a wrong password, database or user, without the password", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const wrong = yield* messageOf(url.replace(/:[^:@]+@/, ":wrong@"))
        assert.match(
          wrong,
          /^The cluster's database at postgres:\/\/postgres@127\.0\.0\.1:\d+\/postgres cannot be used: /
        )
        assert.include(wrong, `the password of user "postgres" is wrong`)
        assert.include(yield* messageOf(url.replace(/postgres$/, "nowhere")), `there is no database "nowhere"`)
      }))

    it.effect("is said of tables that are others, or a later program's", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const sql = yield* SqlClient
        const inDatabase = (name: string, ...statements: ReadonlyArray<string>) =>
          Effect.gen(function*() {
            yield* sql.unsafe(`CREATE DATABASE ${name}`)
            const there = url.replace(/postgres$/, name)
            yield* Effect.provide(
              Effect.flatMap(SqlClient, (sql) => Effect.forEach(statements, (statement) => sql.unsafe(statement))),
              PgClient.layer({ url: Redacted.make(there) })
            )
            return yield* messageOf(there)
          })
        assert.include(
          yield* inDatabase("other", "CREATE TABLE effect_futures_jobs (id int)"),
          "its tables named effect_futures_… are not as this program makes them: drop them, or name another database"
        )
        const later = yield* inDatabase(
          "later",
          "CREATE TABLE effect_futures_migrations (migration_id int PRIMARY KEY, created_at timestamptz, name text)",
          "INSERT INTO effect_futures_migrations VALUES (99, now(), 'later')"
        )
        assert.include(later, "of version 99 and this program knows version 2: update")
      }).pipe(Effect.provide(connection)))

    it.effect("is nothing where its tables are an earlier program's: their jobs are kept", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const sql = yield* SqlClient
        yield* sql`CREATE DATABASE earlier`
        const databaseUrl = url.replace(/postgres$/, "earlier")
        yield* Effect.gen(function*() {
          const sql = yield* SqlClient
          const loader = Migrator.fromRecord({ "1_jobs": tables["1_jobs"] })
          yield* Migrator.make({})({ loader, table: "effect_futures_migrations" })
          yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, client)
            VALUES ('key/earlier', true, 'square', 1, '', '', 'program')`
        }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(databaseUrl) })))
        assert.strictEqual((yield* ClusterExecutor.status({ databaseUrl })).jobs.waiting, 1)
        assert.strictEqual((yield* ClusterExecutor.status({ databaseUrl })).jobs.waiting, 1)
      }).pipe(Effect.provide(connection)))

    it.effect("is said where program and runner have two versions of a job", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const folder = yield* makeNotes
        const version = (name: string, factor: number) =>
          Effect.promise(async () => {
            const file = `${folder}/${name}.ts`
            const job = new URL("../lib/Job.ts", import.meta.url).href
            fs.writeFileSync(
              file,
              `import * as Job from "${job}"
              export const times = Job.make(import.meta, "times", (n: number) => n * ${factor})`
            )
            const { times } = await import(file) as { times: typeof values.square }
            return times
          })
        const runner = ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: [yield* version("old", 2)] })
        const error = yield* Executor.run(yield* version("new", 3), 1).pipe(
          Effect.flip,
          Effect.provide(Layer.merge(program(), runner))
        )
        assert.propertyVal(error, "_tag", "JobNotFound")
        assert.match(error.message, /another version of the job's module .*start the runners again from the program's/)
      }))

    it.effect("is said of an input and a result over every limit", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(jobs.longText, 30_000_000))
        assert.match(
          error.message,
          /^The result of job "longText" cannot be cloned: it is 120000\d\d\d bytes of JSON and the limit is 100000000: send/
        )
        const inputError = yield* Effect.flip(Executor.run(values.echo, "text".repeat(30_000_000)))
        assert.match(
          inputError.message,
          /^The input of job "echo" cannot be cloned: it is 120000\d\d\d bytes of JSON and/
        )
        const items = [[1, 2], Array.from({ length: 2_000_000 }, () => 0), [3]]
        const exits = yield* Stream.fromIterable(items).pipe(
          Executor.mapExit(values.echo, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.deepStrictEqual([exits[0], exits[2]], [Exit.succeed([1, 2]), Exit.succeed([3])])
        assert.include(
          String(exits[1]),
          `job "echo" cannot be cloned: it is 2000002 values of JSON or more and the limit is 2000000: send it as typed`
        )
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(cluster())))
  })

  describe("the option retryFailed", () => {
    it.effect("is refused that is neither true nor false", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const options = { databaseUrl, ["retryFailed" as string]: "no" }
        const error = yield* Effect.flip(Layer.build(ClusterExecutor.layer(options)))
        assert.strictEqual(error.message, `retryFailed must be true or false: received "no"`)
      }))
  })

  describe("a runner's options", () => {
    it.effect("are refused by name", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* runnerRefuses({ jobs: [5] }), "jobs must be an array of jobs: received [ 5 ]")
        assert.strictEqual(
          yield* runnerRefuses({ jobs: undefined }),
          "jobs must be an array of jobs: received undefined"
        )
        assert.strictEqual(yield* runnerRefuses({ resultFolder: "" }), `resultFolder must be a path: received ""`)
        assert.include(yield* runnerRefuses({ address: "a\0b" }), "address must be of 1 to 200 characters")
        assert.strictEqual(yield* runnerRefuses({ maxWorkers: 0 }), "maxWorkers must be a positive integer: received 0")
        assert.strictEqual(
          yield* runnerRefuses({ maxWorkers: 1001 }),
          "maxWorkers must be an integer from 1 to 1000: received 1001"
        )
        for (const option of ["keepFor", "pollInterval"]) {
          for (const value of [0, -1, NaN, "soon"]) {
            assert.include(yield* runnerRefuses({ [option]: value }), `${option} must be a duration above 0: received `)
          }
        }
        assert.include(yield* runnerRefuses({ databaseUrl: undefined }), "expected a URL such as postgres://")
      }))
  })

  describe("a folder for results that cannot be written", () => {
    it.effect("fails the jobs that need it, and no others", () =>
      Effect.gen(function*() {
        const input = yield* Effect.flip(Executor.run(values.echo, new Uint8Array(2_000_000)))
        assert.match(input.message, /^The input of job "echo" cannot be cloned: Result .* cannot be stored or read: E/)
        const result = yield* Effect.flip(Executor.run(values.bytes, { count: 2_000_000, n: 1 }))
        assert.match(
          result.message,
          /^The result of job "bytes" cannot be cloned: Result .* cannot be stored or read: E/
        )
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(cluster({ resultFolder: "/dev/null/results" }))))
  })

  describe("a span in a job", () => {
    it.effect("is a child of its runner's, which is a child of the caller's", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recording()
        yield* Executor.run(effects.halfTraced, 4).pipe(
          Effect.withSpan("caller"),
          Effect.provide(cluster()),
          Effect.withTracer(tracer)
        )
        assert.deepStrictEqual(spans.map(({ name }) => name), ["caller", "runner halfTraced", "outer", "inner"])
        const parents = spans.map(({ parent }) => Option.getOrUndefined(parent)?.spanId)
        assert.deepStrictEqual(parents, [undefined, ...spans.slice(0, 3).map(({ spanId }) => spanId)])
        assert.deepStrictEqual([...new Set(spans.map(({ traceId }) => traceId))], [spans[0]!.traceId])
        assert.strictEqual(spans[1]!.attributes.get("attempt"), 1)
      }))
  })

  describe("the option run", () => {
    it.effect("can be of 200 characters, whatever the name of the job", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.functionBelowZero, 3), 3)
      }).pipe(Effect.provide(cluster({ run: "a".repeat(200) }))))

    it.effect("does what an earlier run of that name has not finished, and says what it took over", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        Notes.openGate(notes)
        const run = (...numbers: ReadonlyArray<number>) =>
          Effect.gen(function*() {
            const takenOver: Array<boolean> = []
            yield* Effect.forEach(
              numbers,
              (n) => Executor.run(jobs.hold, { notes, label: `job ${n}` })
            ).pipe(
              Effect.provideService(Executor.JobObserver, (event) => {
                if (event._tag === "Settled") takenOver.push(event.isTakenOver === true)
              }),
              Effect.provide(cluster({ run: "monday" }))
            )
            return takenOver
          })
        assert.deepStrictEqual(yield* run(1, 2), [false, false])
        assert.deepStrictEqual(yield* run(2, 3, 1, 1), [true, false, true, false], "in another order, and one twice")
        assert.strictEqual(Notes.lines(notes).length, 8)
      }))
  })
})
