import { assert, describe, layer } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Layer, Option, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import fs from "node:fs"
import { ClusterExecutor, Executor, ExecutorError, ResultStore } from "../lib/mod.ts"
import * as buffers from "./jobs/buffers.ts"
import * as jobs from "./jobs/cluster.ts"
import * as effects from "./jobs/effects.ts"
import * as faults from "./jobs/faults.ts"
import * as Notes from "./jobs/notes.ts"
import * as throws from "./jobs/throws.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { begun, cluster, connection, Database, program } from "./shared/cluster.ts"
import { recording } from "./shared/spans.ts"
import { until, untilStats } from "./shared/until.ts"

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
        const workers: Array<number | undefined> = []
        const died = yield* Effect.flip(Executor.run(faults.exit, 7)).pipe(
          Effect.provideService(Executor.JobObserver, (event) => {
            if (event._tag === "Settled") workers.push(event.workerId)
          })
        )
        assert.instanceOf(died, ExecutorError.WorkerDied)
        assert.deepInclude({ ...died }, { job: "exit", exitCode: 7, attempt: 1 })
        assert.deepStrictEqual(workers, [died.workerId])
        assert.match(died.message, /^Worker \d{4,} died while running job "exit": \S/)
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
        const runners: Array<string | undefined> = []
        const observed = Effect.provideService(Executor.JobObserver, (event) => {
          if (event._tag !== "Submitted") workers.push(event.workerId)
          if (event._tag === "Settled") runners.push(event.runner)
        })
        const fiber = yield* observed(Executor.submit(jobs.busy, notes))
        yield* until(begun(notes))
        yield* until(() => workers.length === 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* observed(Executor.run(values.square, 3)), 9)
        assert.isNumber(workers[1], "the observer is told where it was")
        assert.strictEqual(workers[1], workers[0])
        assert.isString(runners[0])
        assert.strictEqual(runners[0], runners[1])
      }).pipe(Effect.provide(cluster({ maxWorkers: 1 }))))

    it.effect("tells of each item of a chunk what it returned, also where one has run again for another's death", () =>
      Effect.gen(function*() {
        const settled: Array<Extract<Executor.JobEvent, { readonly _tag: "Settled" }>> = []
        yield* Stream.make(1000, 0, 3000).pipe(
          Executor.mapExit(jobs.bytesOrExit, { chunkSize: 3 }),
          Stream.runDrain,
          Effect.provideService(Executor.JobObserver, (event) => event._tag === "Settled" && settled.push(event))
        )
        const shown = settled.toSorted((a, b) => a.id - b.id).map(({ resultBytes, status }) => [status, resultBytes])
        assert.deepStrictEqual(shown, [["succeeded", 1000], ["failed", 0], ["succeeded", 3000]])
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
})
