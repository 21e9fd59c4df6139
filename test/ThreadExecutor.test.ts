import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule, Stream } from "effect"
import { execFile } from "node:child_process"
import fs from "node:fs"
import { availableParallelism } from "node:os"
import { promisify } from "node:util"
import { clockOffset, setClock } from "../lib/internal/clock.ts"
import { Executor, ExecutorError, Job, ThreadExecutor } from "../lib/mod.ts"
import * as Board from "./jobs/board.ts"
import { cutOff, postMessage, stopClock } from "./jobs/chatter.ts"
import { blockAfterwards, busy, lateToListen, polite } from "./jobs/endless.ts"
import { exitAtGate } from "./jobs/faults.ts"
import { makeNested } from "./jobs/nested.ts"
import * as twins from "./jobs/twins.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { executorSuite } from "./shared/executorSuite.ts"
import { messageFor } from "./shared/invalidOptions.ts"
import { until } from "./shared/until.ts"

const one = Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))
const two = Effect.provide(ThreadExecutor.layer({ maxWorkers: 2 }))

const cores = availableParallelism()

/** Has as many workers hang in their start as there are cores; each takes a place among the notes. */
const hangs = "data:text/javascript,import { mkdirSync } from 'node:fs';" +
  `for (let place = 0; place < ${cores}; place++) { try { mkdirSync(process.env.NOTES + '/' + place) } catch { continue }` +
  "setInterval(() => {}, 1000); await new Promise(() => {}) }"

const countThreads = () => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length

describe("ThreadExecutor.layer", () => {
  executorSuite(ThreadExecutor.layer)

  it.live("runs jobs on other threads", () =>
    Effect.gen(function*() {
      assert.isFalse(yield* Executor.run(values.onMainThread, undefined))
    }).pipe(one))

  it.live("gives its threads the environment and the flags that were asked for, and no others", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Executor.run(values.variable, "GREETING"), "hello")
      assert.isUndefined(yield* Executor.run(values.variable, "SILENCE"))
      assert.deepStrictEqual(yield* Executor.run(values.execArgv, undefined), ["--no-warnings"])
    }).pipe(Effect.provide(
      ThreadExecutor.layer({
        maxWorkers: 1,
        env: { GREETING: "hello", SILENCE: undefined },
        execArgv: ["--no-warnings"]
      })
    )))

  it.live("gives its threads no flags by default", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Executor.run(values.execArgv, undefined), [])
    }).pipe(one))

  it.live("refuses limits that would end this process", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* messageFor(ThreadExecutor.layer, { resourceLimits: { maxOldGenerationSizeMb: 1 } }),
        "resourceLimits.maxOldGenerationSizeMb must be a number of at least 4: received 1"
      )
      assert.strictEqual(
        yield* messageFor(ThreadExecutor.layer, { resourceLimits: { maxOldGenerationSizeMb: 2 ** 53 } }),
        "resourceLimits.maxOldGenerationSizeMb must be a number of at most 4194304: received 9007199254740992"
      )
      assert.strictEqual(
        yield* messageFor(ThreadExecutor.layer, { resourceLimits: { codeRangeSizeMb: "8" } }),
        `resourceLimits.codeRangeSizeMb must be a number of at least 0: received "8"`
      )
      assert.strictEqual(
        yield* messageFor(ThreadExecutor.layer, { resourceLimits: null }),
        "resourceLimits must be an object: received null"
      )
    }))

  it.live("refuses flags that are no array of strings", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* messageFor(ThreadExecutor.layer, { execArgv: "--expose-gc" }),
        `execArgv must be an array of strings: received "--expose-gc"`
      )
      assert.strictEqual(
        yield* messageFor(ThreadExecutor.layer, { execArgv: [1] }),
        "execArgv must be an array of strings: received [ 1 ]"
      )
    }))
})

const jobIn = (file: string) => Job.make({ url: new URL(file, import.meta.url).href }, "lost", (n: number) => n)

describe("a job that no worker finds", () => {
  const reasonFor = Effect.fnUntraced(function*(job: Job.Job<number, unknown>) {
    const error = yield* Effect.flip(Executor.run(job, 1))
    assert.instanceOf(error, ExecutorError.JobNotFound)
    assert.include(error.message, `Job "${job.name}" was not found in ${job.module}: `)
    assert.strictEqual(yield* Executor.run(values.square, 2), 4)
    return error.reason
  })

  it.live("fails with JobNotFound: its module throws when it is imported", () =>
    Effect.gen(function*() {
      for (const job of Array.from({ length: 2 }, () => jobIn("./jobs/throws-at-import.ts"))) {
        assert.include(yield* reasonFor(job), "this module does not like to be imported")
      }
    }).pipe(one))

  it.live("is found by the same worker once its module is there", () =>
    Effect.gen(function*() {
      const file = `${yield* makeNotes}/late.ts`
      const job = jobIn(file)
      assert.include(yield* reasonFor(job), "Cannot find module")
      const jobModule = new URL("../lib/Job.ts", import.meta.url)
      fs.writeFileSync(
        file,
        `import * as Job from "${jobModule}"; Job.make(import.meta, "lost", (n: number) => n)`
      )
      assert.strictEqual(yield* Executor.run(job, 1), 1)
    }).pipe(one))

  it.live("fails with JobNotFound: it is not made at the top level of its module", () =>
    Effect.gen(function*() {
      assert.include(yield* reasonFor(makeNested()), `makes no job named "nested" at its top level`)
    }).pipe(one))

  it.live("fails with JobNotFound: its module makes two of that name", () =>
    Effect.gen(function*() {
      for (const twin of [twins.one, twins.other]) {
        const error = yield* Effect.flip(Executor.run(twin, undefined))
        assert.propertyVal(error, "_tag", "JobNotFound")
        assert.include(error.message, `makes more than one job named "twin"`)
      }
    }).pipe(one))

  it.live("is stopped while its module never finishes loading", () =>
    Effect.gen(function*() {
      const fiber = yield* Executor.submit(jobIn("./jobs/never-loads.ts"), 1)
      yield* Effect.repeat(Executor.stats, { until: ({ busy }) => busy === 1, schedule: Schedule.spaced("1 millis") })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* Executor.run(values.square, 2), 4)
    }).pipe(one))
})

describe("a worker that dies", () => {
  it.live("disturbs no other job, and another takes its place", () =>
    Effect.gen(function*() {
      const [doomed, other] = [Board.make(), Board.make()]
      const dies = yield* Executor.submit(exitAtGate, doomed)
      const lives = yield* Executor.submit(values.hold, { board: other, label: 5 })
      const waits = yield* Executor.submit(values.square, 6)
      yield* until(() => Board.started(doomed) === 1 && Board.started(other) === 1)
      Board.openGate(doomed)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(dies)))
      assert.strictEqual(yield* Fiber.join(waits), 36)
      Board.openGate(other)
      assert.strictEqual(yield* Fiber.join(lives), 5)
      const stats = yield* Executor.stats
      assert.deepInclude(stats, { workers: 2, busy: 0, queued: 0, finished: 2, failed: 1, died: 1 })
    }).pipe(two))
})

describe("a job that meddles with its thread", () => {
  it.live("settles though it sends messages of its own", () =>
    Effect.gen(function*() {
      for (const message of ["hello", 7, { some: "thing" }, [], null]) {
        assert.strictEqual(yield* Executor.run(postMessage, message), "posted")
      }
    }).pipe(one))

  it.live("is timed, as those after it, by a clock that it cannot stop", () =>
    Effect.gen(function*() {
      const times: Array<number> = []
      for (const _ of [1, 2]) {
        yield* Executor.run(stopClock, undefined).pipe(
          Effect.provideService(Executor.JobObserver, ({ at }) => void times.push(at))
        )
      }
      assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
    }).pipe(one))

  it.live("is timed by the clock of the process that this one works for", () =>
    Effect.gen(function*() {
      const offset = clockOffset()
      yield* Effect.addFinalizer(() => Effect.sync(() => setClock(offset)))
      setClock(offset + 3_600_000)
      const times: Array<number> = []
      yield* Executor.run(values.square, 3).pipe(
        Effect.provideService(Executor.JobObserver, (event) => {
          if (event._tag === "Submitted") times.push(event.at)
          if (event._tag === "Settled") times.push(event.startedAt!, event.at)
        }),
        one
      )
      assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
      assert.lengthOf(times, 3)
    }))

  it.live("has all that it printed shown, though the executor closes right after", () =>
    Effect.gen(function*() {
      const program = new URL("./programs/prints-then-closes.ts", import.meta.url).pathname
      const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, [program]))
      assert.strictEqual(stdout.trimEnd().split("\n").at(-1), "line 1000")
    }))
})

describe("a worker that cannot be started", () => {
  it.live("keeps no other from being used, though one for each core hangs in its start", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      const options = { maxWorkers: cores + 1, execArgv: ["--import", hangs], env: { ...process.env, NOTES: notes } }
      yield* Effect.gen(function*() {
        const squares = yield* Effect.forEach([...Array(cores + 1)], () => Executor.submit(values.square, 3))
        assert.strictEqual(yield* Fiber.join(squares[0]!), 9)
      }).pipe(Effect.provide(ThreadExecutor.layer(options)))
      assert.strictEqual(fs.readdirSync(notes).length, cores)
    }))

  it.live("fails the jobs that wait with WorkerStartError", () =>
    Effect.gen(function*() {
      const futures = yield* Effect.forEach([1, 2, 3], (n) => Executor.submit(values.square, n))
      for (const future of futures) {
        const error = yield* Effect.flip(Fiber.join(future))
        assert.propertyVal(error, "_tag", "WorkerStartError")
        assert.match(error.message, /^Worker \d+ could not be started: .*no-such-preload/s)
      }
      assert.propertyVal(yield* Effect.flip(Executor.run(values.square, 1)), "_tag", "WorkerStartError")
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 2, execArgv: ["--require", "./no-such-preload.js"] }))))

  it.live("fails with WorkerStartError for a flag that Node does not know", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Executor.run(values.square, 1))
      assert.propertyVal(error, "_tag", "WorkerStartError")
      assert.include(error.message, "--no-such-flag")
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, execArgv: ["--no-such-flag"] }))))
})

describe("a busy loop", () => {
  it.live("is stopped when it is interrupted: its core is free for the next job", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const fiber = yield* Executor.submit(busy, board)
      const next = yield* Executor.submit(values.workerId, undefined)
      yield* until(() => Board.started(board) === 1)
      yield* Fiber.interrupt(fiber)
      assert.propertyVal(yield* Executor.stats, "died", 0)
      assert.strictEqual(yield* Fiber.join(next), 2)
    }).pipe(one))

  it.live("leaves the other workers alone when it is interrupted", () =>
    Effect.gen(function*() {
      const [loop, held] = [Board.make(), Board.make()]
      const fiber = yield* Executor.submit(busy, loop)
      const other = yield* Executor.submit(values.hold, { board: held, label: 1 })
      yield* until(() => Board.started(loop) === 1 && Board.started(held) === 1)
      yield* Fiber.interrupt(fiber)
      Board.openGate(held)
      assert.strictEqual(yield* Fiber.join(other), 1)
    }).pipe(two))

  for (const job of [polite, lateToListen]) {
    it.live(`that asks \`cancelled\` ends by itself when it is interrupted, and keeps its worker: ${job.name}`, () =>
      Effect.gen(function*() {
        const board = Board.make()
        const fiber = yield* Executor.submit(job, board)
        yield* until(() => Board.started(board) === 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(Board.ended(board), 1)
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, cancelGrace: "1 minute" }))))
  }

  it.live("does not pass its cancellation on to the next job of its worker", () =>
    Effect.gen(function*() {
      for (const _ of [1, 2, 3]) {
        const board = Board.make()
        const fiber = yield* Executor.submit(polite, board)
        yield* until(() => Board.started(board) === 1)
        assert.strictEqual(Board.ended(board), 0)
        yield* Fiber.interrupt(fiber)
      }
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, cancelGrace: "1 minute" }))))

  it.live("left behind by a job, keeps its worker where it ends in time, and the job that was interrupted is not run", () =>
    Effect.gen(function*() {
      const [behind, board] = [Board.make(), Board.make()]
      yield* Executor.run(blockAfterwards, behind)
      yield* until(() => Board.started(behind) === 1)
      const fiber = yield* Executor.submit(values.note, { board, label: 1 })
      yield* Effect.sleep("30 millis")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      Board.openGate(behind)
      yield* Fiber.join(interruption)
      assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      assert.strictEqual(Board.started(board), 0)
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, cancelGrace: "1 minute" }))))

  it.live("is recorded as interrupted, not as failed", () =>
    Effect.gen(function*() {
      const board = Board.make()
      const settled: Array<string | undefined> = []
      const fiber = yield* Executor.submit(busy, board).pipe(
        Effect.provideService(Executor.JobObserver, (event) => {
          if (event._tag === "Settled") settled.push(event.status, event.error)
        })
      )
      yield* until(() => Board.started(board) === 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(settled, ["interrupted", undefined])
    }).pipe(one))
})

describe("an input that no thread can read", () => {
  const small = Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, resourceLimits: { stackSizeMb: 0.8 } }))
  const deep = values.nested.run(2800, undefined as never)

  it.live("costs two workers", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Executor.run(values.lengthOf, deep))
      assert.deepInclude({ ...error }, { _tag: "CloneError", side: "input" })
      assert.propertyVal(yield* Executor.stats, "died", 2)
    }).pipe(small))

  it.live("is told of also by a worker whose listeners a job has removed", () =>
    Effect.gen(function*() {
      yield* Executor.run(cutOff, undefined)
      const { buffer } = new Uint8Array(1)
      const error = yield* Effect.flip(Executor.run(values.lengthOf, { buffer, deep }, { transfer: [buffer] }))
      assert.deepInclude({ ...error }, { _tag: "CloneError", side: "input" })
    }).pipe(small))

  it.live("costs one that moves with buffers, which cannot be sent again", () =>
    Effect.gen(function*() {
      const { buffer } = new Uint8Array(1)
      const error = yield* Effect.flip(Executor.run(values.lengthOf, { buffer, deep }, { transfer: [buffer] }))
      assert.deepInclude({ ...error }, { _tag: "CloneError", side: "input" })
      assert.propertyVal(yield* Executor.stats, "died", 1)
    }).pipe(small))

  it.live("costs no job that its worker runs when it comes", () =>
    Effect.gen(function*() {
      // Such short jobs are sent ahead.
      for (let n = 0; n < 300; n++) yield* Executor.run(values.rest, { ms: 0 })
      const running = yield* Executor.submit(values.rest, { ms: 300 })
      const unread = yield* Executor.submit(values.rest, { ms: 0, deep })
      assert.strictEqual(yield* Fiber.join(running), 300)
      const error = yield* Effect.flip(Fiber.join(unread))
      assert.deepInclude({ ...error }, { _tag: "CloneError", side: "input" })
    }).pipe(small))

  it.live("costs two where others are in its message, which have their results", () =>
    Effect.gen(function*() {
      const exits = yield* Stream.make({}, deep, {}).pipe(
        Executor.mapExit(values.lengthOf, { chunkSize: 3 }),
        Stream.runCollect
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
      assert.propertyVal(yield* Executor.stats, "died", 2)
    }).pipe(small))
})

describe("a result that the executor's thread cannot read", () => {
  it.live("costs neither its worker nor what that runs beside", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Executor.run(values.nested, 5000))
      assert.deepInclude({ ...error }, { _tag: "CloneError", side: "result" })
      assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      assert.propertyVal(yield* Executor.stats, "died", 0)
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, resourceLimits: { stackSizeMb: 4 } }))))
})

describe("closing the scope of a ThreadExecutor", () => {
  it.live("stops busy loops and leaves no thread", () =>
    Effect.gen(function*() {
      const before = countThreads()
      const boards = [Board.make(), Board.make()]
      yield* Effect.gen(function*() {
        for (const board of boards) yield* Executor.submit(busy, board)
        yield* until(() => boards.every((board) => Board.started(board) === 1))
        assert.isAbove(countThreads(), before)
      }).pipe(two)
      assert.strictEqual(countThreads(), before)
    }))

  it.live("stops workers that are only starting", () =>
    Effect.gen(function*() {
      const before = countThreads()
      const future = yield* two(Executor.submit(values.square, 1))
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(future)))
      assert.strictEqual(countThreads(), before)
    }))

  it.live("lets the process end by itself", () =>
    Effect.gen(function*() {
      const program = new URL("./programs/closes-while-busy.ts", import.meta.url).pathname
      const { stderr, stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, [program]))
      assert.strictEqual(stdout, "closed\n")
      assert.strictEqual(stderr, "")
    }))
})
