/** How workers come and go, and which job has one next. */
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as esbuild from "esbuild"
import { execFile } from "node:child_process"
import fs from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Executor, InlineExecutor, Memory, ThreadExecutor } from "../lib/mod.ts"
import * as Board from "./jobs/board.ts"
import * as faults from "./jobs/faults.ts"
import * as lives from "./jobs/lives.ts"
import * as Notes from "./jobs/notes.ts"
import * as values from "./jobs/values.ts"
import { backEnds, makeNotes } from "./shared/backEnds.ts"
import { until, untilStats } from "./shared/until.ts"

const noting = (notes: Notes.Notes) => ({ env: { ...process.env, NOTES: notes } })

const holdAll = (notes: Notes.Notes, numbers: ReadonlyArray<number>) =>
  Effect.forEach(numbers, (n) => Executor.submit(faults.hold, { notes, n }))

for (const { layer, name } of backEnds) {
  describe(`${name}, a worker that imports a program`, () => {
    it.live.each(["awaited", "forked"])(
      "starts no workers of its own, but says what the program forgot: %s",
      (form) =>
        Effect.gen(function*() {
          const program = fileURLToPath(new URL("./programs/unguarded.ts", import.meta.url))
          const refused = path.join(yield* makeNotes, "refused")
          const env = { ...process.env, BACK_END: name, FORM: form, REFUSED: refused }
          yield* Effect.promise(() =>
            promisify(execFile)(process.execPath, [program], { env, timeout: 50_000 }).catch(() => {})
          )
          assert.match(
            fs.readFileSync(refused, "utf8"),
            /Job "square" was not found .* expected it to ask for import\.meta\.main first/s
          )
        })
    )
  })

  describe(`${name}, maxJobsPerWorker`, () => {
    it.live("gives the next job another worker after so many", () =>
      Effect.gen(function*() {
        const ids = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7], () => Executor.run(values.workerId, undefined))
        const [a, b, c] = [...new Set(ids)]
        assert.deepStrictEqual(ids, [a, a, a, b, b, b, c])
        yield* untilStats(({ recycled, workers }) => recycled === 2 && workers === 1)
        assert.deepInclude(yield* Executor.stats, { finished: 7, failed: 0, died: 0 })
      }).pipe(Effect.provide(layer({ maxWorkers: 1, maxJobsPerWorker: 3 }))))

    it.live("has the replacement up before the old worker goes", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        yield* Effect.gen(function*() {
          for (let n = 1; n <= 3; n++) yield* Executor.run(values.square, n)
          yield* until(() => Notes.lines(notes).includes("gone 3"))
        }).pipe(Effect.provide(layer({ maxWorkers: 1, maxJobsPerWorker: 1, setup: lives.setup, ...noting(notes) })))
        const lines = Notes.lines(notes)
        for (const old of [1, 2, 3]) {
          assert.isBelow(lines.indexOf(`up ${old + 1}`), lines.indexOf(`gone ${old}`), lines.join(", "))
          assert.include(lines, `up ${old + 1}`)
        }
      }))

    it.live("loses no job, runs none twice and never has more workers at work than there may be", () =>
      Effect.gen(function*() {
        const numbers = Array.from({ length: 24 }, (_, n) => n)
        const places = yield* Effect.forEach(numbers, (n) => Executor.run(lives.where, n), { concurrency: 6 })
        const inChunks = yield* Stream.fromIterable(numbers).pipe(
          Executor.map(lives.where, { chunkSize: 10 }),
          Stream.runCollect
        )
        const runs = Map.groupBy([...places, ...inChunks], ({ workerId }) => workerId)
        for (const [workerId, { length }] of runs) assert.isAtMost(length, 4, `worker ${workerId}`)
        assert.deepInclude(yield* Executor.stats, { finished: 48, failed: 0, died: 0, queued: 0 })
      }).pipe(Effect.provide(layer({ maxWorkers: 2, maxJobsPerWorker: 4 }))))
  })

  describe(`${name}, minWorkers`, () => {
    it.live("replaces a worker that dies while nobody waits for one", () =>
      Effect.gen(function*() {
        assert.propertyVal(yield* Executor.stats, "workers", 2)
        yield* Executor.run(faults.exitAfterwards, 3)
        yield* untilStats(({ busy, died, workers }) => died === 1 && workers === 2 && busy === 0)
      }).pipe(Effect.provide(layer({ maxWorkers: 3, minWorkers: 2 }))))
  })

  describe(`${name}, idleTimeToLive`, () => {
    it.live("lets workers above minWorkers go, not those that are busy, and starts others when jobs come", () =>
      Effect.gen(function*() {
        const [first, second] = yield* Effect.all([makeNotes, makeNotes])
        const all = yield* holdAll(first, [1, 2, 3])
        yield* until(() => Notes.lines(first).length === 3)
        Notes.openGate(first)
        yield* Fiber.joinAll(all)
        const held = yield* holdAll(second, [4, 5])
        yield* untilStats(({ busy, workers }) => workers === 2 && busy === 2)
        Notes.openGate(second)
        assert.deepStrictEqual(yield* Fiber.joinAll(held), [16, 25])
        yield* untilStats(({ workers }) => workers === 1)
        const squares = yield* Effect.forEach([1, 2, 3], (n) => Executor.run(values.square, n), { concurrency: 3 })
        assert.deepStrictEqual(squares, [1, 4, 9])
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(Effect.provide(layer({ maxWorkers: 3, minWorkers: 1, idleTimeToLive: "20 millis" }))))

    it.live("lets no replacement go that waits for a worker to run its last job", () =>
      Effect.gen(function*() {
        const [notes, gate] = yield* Effect.all([makeNotes, makeNotes])
        yield* Effect.gen(function*() {
          const last = yield* Executor.submit(faults.hold, { notes: gate, n: 3 })
          const next = yield* Executor.submit(values.workerId, undefined)
          yield* until(() => Notes.lines(notes).includes("up 2"))
          Notes.openGate(gate)
          assert.deepStrictEqual(yield* Fiber.joinAll([last, next]), [9, 2])
        }).pipe(Effect.provide(
          layer({ maxWorkers: 1, maxJobsPerWorker: 1, idleTimeToLive: 0, setup: lives.setup, ...noting(notes) })
        ))
      }))

    it.live("lets the replacement go of a worker that has run its last job, though no job has come for it", () =>
      Effect.gen(function*() {
        yield* Executor.run(values.square, 3)
        yield* untilStats(({ workers }) => workers === 0)
        assert.deepInclude(yield* Executor.stats, { recycled: 1, died: 0 })
      }).pipe(Effect.provide(layer({ maxWorkers: 1, maxJobsPerWorker: 1, idleTimeToLive: 0 }))))
  })

  describe(`${name}, two executors`, () => {
    it.live("exist side by side: a death in one is nothing to the other", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const here = yield* Executor.submit(faults.hold, { notes, n: 6 })
        yield* until(() => Notes.lines(notes).length === 1)
        yield* Effect.gen(function*() {
          assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
          yield* Effect.exit(Executor.run(faults.exit, 1))
          assert.propertyVal(yield* Executor.stats, "died", 1)
        }).pipe(Effect.provide(layer({ maxWorkers: 1 })))
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(here), 36)
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(Effect.provide(layer({ maxWorkers: 1 }), { local: true })))
  })

  describe(`${name}, node --watch`, () => {
    it.live("is told by Node of the modules that a worker loads, which are no messages to the executor", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        assert.propertyVal(yield* Executor.stats, "died", 0)
      }).pipe(Effect.provide(layer({ maxWorkers: 1, env: { ...process.env, WATCH_REPORT_DEPENDENCIES: "1" } }))))
  })

  describe(`${name}, a job that has an executor of its own`, () => {
    it.live("runs jobs on it", () =>
      Effect.gen(function*() {
        const { sumOfSquares } = yield* Effect.promise(() => import("./jobs/nesting.ts"))
        const sums = yield* Effect.forEach([[1, 2, 3], [4, 5]], (numbers) => Executor.run(sumOfSquares, numbers), {
          concurrency: 2
        })
        assert.deepStrictEqual(sums, [14, 41])
      }).pipe(Effect.provide(layer({ maxWorkers: 2 }))))
  })

  describe(`${name}, Executor.stats`, () => {
    it.live("tells how long jobs waited and ran", () =>
      Effect.gen(function*() {
        const none = { p50: 0, p90: 0, p99: 0 }
        assert.deepInclude(yield* Executor.stats, { waitMs: none, runMs: none, utilization: 0 })
        yield* Effect.forEach([20, 20, 20, 20, 20], (ms) => Executor.run(lives.work, ms), { concurrency: "unbounded" })
        const { runMs, utilization, waitMs } = yield* Executor.stats
        for (const { p50, p90, p99 } of [runMs, waitMs]) {
          assert.deepStrictEqual([p50, p90, p99].toSorted(byNumber), [p50, p90, p99])
        }
        assert.isAtLeast(runMs.p50, 19)
        // The last waits for four others.
        assert.isAtLeast(waitMs.p99, 4 * 19)
        assert.isAbove(utilization, 0)
        assert.isAtMost(utilization, 1)
      }).pipe(Effect.provide(layer({ maxWorkers: 1 }))))
  })

  describe(`${name}, priority`, () => {
    it.live("goes before age, age within one priority, and every fourth job is the oldest", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const submit = (n: number, priority: number) => Executor.submit(faults.hold, { notes, n }, { priority })
        yield* submit(0, 0)
        yield* until(() => Notes.lines(notes).length === 1)
        for (const n of [1, 2, 3]) yield* submit(n, -1)
        for (const n of [4, 5]) yield* submit(n, 0)
        for (const n of [6, 7, 8]) yield* submit(n, 2.5)
        Notes.openGate(notes)
        yield* Executor.drain
        const order = Notes.lines(notes).map((line) => Number(line.split(" ")[1]))
        assert.deepStrictEqual(order, [0, 6, 7, 1, 8, 4, 5, 2, 3])
      }).pipe(Effect.provide(layer({ maxWorkers: 1 }))))
  })
}

/** The heap in use once so many jobs have run. */
const heapAfter = (jobs: number) =>
  Stream.range(1, jobs).pipe(
    Stream.mapEffect((n) => Executor.run(values.square, n), { concurrency: 16, unordered: true }),
    Stream.runDrain,
    Effect.andThen(Effect.sync(() => {
      Memory.collectUnsafe()
      return Memory.sampleUnsafe().heapUsedBytes
    }))
  )

const byNumber = (a: number, b: number) => a - b

describe("maxJobsPerWorker", () => {
  it.live("counts the jobs of a message one by one", () =>
    Effect.gen(function*() {
      const places = yield* Stream.range(1, 12).pipe(Executor.map(lives.where, { chunkSize: 4 }), Stream.runCollect)
      const runs = Map.groupBy(places, ({ workerId }) => workerId)
      assert.deepStrictEqual([...runs.values()].map(({ length }) => length), [4, 4, 4])
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, maxJobsPerWorker: 4 }))))

  it.live("counts the jobs that are sent ahead of a free worker", () =>
    Effect.gen(function*() {
      const ids = yield* Effect.forEach(Array(1000).keys(), () => Executor.run(values.workerId, undefined), {
        concurrency: 64
      })
      const runs = Map.groupBy(ids, (id) => id)
      assert.deepStrictEqual([...runs.values()].map(({ length }) => length), Array(20).fill(50))
    }).pipe(Effect.provide(InlineExecutor.layer({ maxWorkers: 1, maxJobsPerWorker: 50 }))))
})

describe("priority", () => {
  it.live("starves nobody, though there is always somebody more important", () =>
    Effect.gen(function*() {
      const board = Board.make()
      yield* Executor.submit(values.hold, { board, label: -1 })
      yield* until(() => Board.started(board) === 1)
      const humble = yield* Executor.submit(values.note, { board, label: 0 })
      const important = (label: number): Effect.Effect<void, unknown, Executor.Executor> =>
        Effect.flatMap(Executor.run(values.note, { board, label }, { priority: 9 }), () =>
          humble.pollUnsafe() === undefined ? important(label + 1) : Effect.void)
      const stream = yield* Effect.forkChild(Effect.all([important(100), important(200)], { concurrency: 2 }))
      yield* untilStats(({ queued }) =>
        queued === 3
      )
      Board.openGate(board)
      assert.strictEqual(yield* Fiber.join(humble), 0)
      yield* Fiber.join(stream)
      assert.isAtMost(Board.starts(board).indexOf(0), 4)
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))))
})

describe("idleTimeToLive, by the clock", () => {
  it.effect("counts from a worker's last job", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const run = TestClock.withLive(Effect.gen(function*() {
        const fibers = yield* Effect.forEach([1, 2, 3], (label) => Executor.submit(values.hold, { board, label }))
        yield* until(() => Board.started(board) === 3)
        Board.openGate(board)
        yield* Fiber.joinAll(fibers)
      }))
      const workers = Effect.map(Executor.stats, ({ workers }) => workers)
      yield* run
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* workers, 3)
      assert.strictEqual(yield* TestClock.withLive(Executor.run(values.square, 3)), 9)
      yield* TestClock.adjust("2 seconds")
      yield* TestClock.withLive(untilStats(({ workers }) => workers === 1))
      yield* TestClock.adjust("60 seconds")
      yield* TestClock.withLive(untilStats(({ workers }) => workers === 0))
      assert.deepInclude(yield* Executor.stats, { died: 0, finished: 4 })
    }).pipe(Effect.provide(InlineExecutor.layer({ maxWorkers: 3, idleTimeToLive: "1 minute" }))))
})

describe("idleTimeToLive", () => {
  it.live("is over all the same where the system's clock is set back", () =>
    Effect.gen(function*() {
      const { now } = Date
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.restoreAllMocks()))
      assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      vi.spyOn(Date, "now").mockImplementation(() => now() - 3_600_000)
      yield* untilStats(({ workers }) => workers === 0)
    }).pipe(Effect.provide(InlineExecutor.layer({ maxWorkers: 1, idleTimeToLive: "20 millis" }))))

  it.live("leaves minWorkers of the workers that there are, though all are idle together", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      const options = { maxWorkers: 4, minWorkers: 2, idleTimeToLive: "30 millis", setup: lives.setup } as const
      yield* Effect.gen(function*() {
        const board = Board.make()
        const fibers = yield* Effect.forEach([1, 2, 3, 4], (label) => Executor.submit(values.hold, { board, label }))
        yield* until(() => Board.started(board) === 4)
        Board.openGate(board)
        yield* Fiber.joinAll(fibers)
        yield* until(() => Notes.lines(notes).filter((line) => line.startsWith("gone")).length >= 2)
        assert.isAtMost(yield* Executor.run(values.workerId, undefined), 4)
      }).pipe(Effect.provide(ThreadExecutor.layer({ ...options, ...noting(notes) })))
    }))

  it.live("holds nothing for each job that has run", () =>
    Effect.gen(function*() {
      const before = yield* heapAfter(1000)
      const after = yield* heapAfter(10_000)
      assert.isBelow(after - before, 10_000 * 400)
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 2, idleTimeToLive: "1 hour" }))))
})

describe("a program that was bundled together with the library", () => {
  it.live("is told why no worker starts", () =>
    Effect.gen(function*() {
      const outfile = path.join(yield* makeNotes, "bundle.mjs")
      const { stdout } = yield* Effect.promise(async () => {
        await esbuild.build({
          entryPoints: [new URL("./programs/starts-a-worker.ts", import.meta.url).pathname],
          bundle: true,
          format: "esm",
          platform: "node",
          banner: { js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url)` },
          outfile
        })
        return promisify(execFile)(process.execPath, [outfile])
      })
      const lines = stdout.trimEnd().split("\n")
      assert.lengthOf(lines, 2)
      for (const line of lines) assert.match(line, /^WorkerStartError: .*expected effect-futures not to be bundled/)
    }))
})

describe("an executor in a busy loop's worker", () => {
  it.live("ends with that worker", () =>
    Effect.gen(function*() {
      const { tickingInside } = yield* Effect.promise(() => import("./jobs/nesting.ts"))
      const board = Board.make()
      const fiber = yield* Executor.submit(tickingInside, board)
      yield* until(() => Atomics.load(board, 0) > 0)
      yield* Fiber.interrupt(fiber)
      const stopped = Atomics.load(board, 0)
      yield* Effect.sleep(20)
      assert.strictEqual(Atomics.load(board, 0), stopped)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))))
})
