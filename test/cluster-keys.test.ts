import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import fs from "node:fs"
import path from "node:path"
import { ClusterExecutor, Executor, ExecutorError, type Job } from "../lib/mod.ts"
import * as jobs from "./jobs/cluster.ts"
import * as lives from "./jobs/lives.ts"
import * as Notes from "./jobs/notes.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { begun, cluster, connection, Database, program } from "./shared/cluster.ts"
import { until, untilStats } from "./shared/until.ts"

layer(Database.layer, { excludeTestServices: true })("ClusterExecutor", (it) => {
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

  describe("the option retryFailed", () => {
    it.effect("is refused that is neither true nor false", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const options = { databaseUrl, ["retryFailed" as string]: "no" }
        const error = yield* Effect.flip(Layer.build(ClusterExecutor.layer(options)))
        assert.strictEqual(error.message, `retryFailed must be true or false: received "no"`)
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
