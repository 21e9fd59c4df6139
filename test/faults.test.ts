import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Stream } from "effect"
import { execFile } from "node:child_process"
import { inspect, promisify } from "node:util"
import { Executor, ExecutorError } from "../lib/mod.ts"
import { cutOff, removeAll } from "./jobs/chatter.ts"
import * as effects from "./jobs/effects.ts"
import * as faults from "./jobs/faults.ts"
import { setupNeverEnds } from "./jobs/lives.ts"
import * as Notes from "./jobs/notes.ts"
import * as throws from "./jobs/throws.ts"
import * as values from "./jobs/values.ts"
import { backEnds, makeNotes } from "./shared/backEnds.ts"
import { faultsOf, heapFull, messageOf, strikeBetween, tagOf } from "./shared/faults.ts"
import { until, untilStats } from "./shared/until.ts"

/** How often faults strike one executor; `npm run soak` has a thousand. */
const rounds = Number(process.env["FAULT_ROUNDS"] ?? 36)

const exited = (code: number) => `The worker has exited with code: ${code}`

for (const { layer, name } of backEnds) {
  const one = Effect.provide(layer({ maxWorkers: 1 }))
  const two = Effect.provide(layer({ maxWorkers: 2 }))

  describe(`${name}: a fault costs its own job, not the jobs beside it, and the next finds a worker`, () => {
    it.layer(layer({ maxWorkers: 3 }), { excludeTestServices: true })((it) => {
      for (const fault of faultsOf(name)) it.effect(fault.name, () => strikeBetween(fault))
    })

    it.live("a full heap, with resourceLimits", () =>
      strikeBetween(heapFull(name)).pipe(
        Effect.provide(layer({ maxWorkers: 3, resourceLimits: { maxOldGenerationSizeMb: 24 } }))
      ))
  })

  describe(`${name}: faults that strike again and again`, () => {
    it.live(
      `leave nothing behind, and the process ends by itself: ${rounds} rounds`,
      () =>
        Effect.gen(function*() {
          const program = new URL("./programs/faults.ts", import.meta.url).pathname
          const { stderr, stdout } = yield* Effect.promise(() =>
            promisify(execFile)(process.execPath, [program, name, `${rounds}`])
          )
          assert.strictEqual(stderr, "")
          const { after, before } = JSON.parse(stdout) as Record<"before" | "after", Array<string>>
          assert.deepStrictEqual(after.toSorted(), before.toSorted())
        }),
      Math.max(60_000, rounds * 1000)
    )
  })

  describe(`${name}, resourceLimits`, () => {
    it.live("stackSizeMb says how deep a job can call", () =>
      Effect.gen(function*() {
        const [shallow, deep] = yield* Effect.forEach([0.5, 2], (stackSizeMb) =>
          Executor.run(faults.stackDepth, undefined).pipe(
            Effect.provide(layer({ maxWorkers: 1, resourceLimits: { stackSizeMb } }))
          ))
        assert.isAbove(deep!, 2 * shallow!)
      }))
  })

  describe(`${name}, WorkerDied`, () => {
    it.live("names the job, the worker and its exit code", () =>
      Effect.gen(function*() {
        const uncaught = name === "ThreadExecutor" ? "Error: too late" : `${exited(1)}: Error: too late`
        const deaths = [
          { run: Executor.run(faults.exit, 0), job: "exit", exitCode: 0, reason: exited(0) },
          { run: Executor.run(faults.exit, 3), job: "exit", exitCode: 3, reason: exited(3) },
          { run: Executor.run(faults.throwInTimer, "too late"), job: "throwInTimer", exitCode: 1, reason: uncaught }
        ]
        for (const [n, { exitCode, job, reason, run }] of deaths.entries()) {
          const error = yield* Effect.flip(run)
          assert.instanceOf(error, ExecutorError.WorkerDied)
          assert.deepInclude({ ...error }, { attempt: 1, exitCode, job, workerId: n + 1 })
          assert.strictEqual(error.message, `Worker ${n + 1} died while running job "${job}": ${reason}`)
        }
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 4)
      }).pipe(one))
  })

  describe(`${name}, JobThrew`, () => {
    it.live("shows the line of the job's file to whoever prints it, and its causes", () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(Executor.run(throws.throwing, "error"))
        assert(Exit.isFailure(exit))
        for (const shown of [Cause.pretty(exit.cause), inspect(Cause.squash(exit.cause))]) {
          assert.match(shown, /wrong kind/)
          assert.match(shown, /test\/jobs\/throws\.ts:\d+/)
          assert.match(shown, /the reason why/)
        }
      }).pipe(one))
  })

  describe(`${name}: a worker that dies while idle`, () => {
    it.live("costs no job, is counted, and the next job has another", () =>
      Effect.gen(function*() {
        yield* Executor.run(faults.exitAfterwards, 3)
        yield* untilStats(({ died }) => died === 1)
        assert.deepInclude(yield* Executor.stats, { workers: 0, finished: 1, failed: 0 })
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 2)
      }).pipe(two))
  })

  describe(`${name}: a worker that dies of what a job has left behind`, () => {
    it.live("costs no other job, however soon that is sent", () =>
      Effect.gen(function*() {
        for (let round = 0; round < 20; round++) {
          // Short ones, so that threads stay awake.
          for (let n = 200; n >= 0; n--) yield* Executor.run(faults.rejectBelowZero, n)
          const exit = yield* Effect.exit(Executor.run(faults.rejectBelowZero, -1))
          if (Exit.isFailure(exit)) assert.instanceOf(Cause.squash(exit.cause), ExecutorError.WorkerDied)
          assert.strictEqual(yield* Executor.run(values.squareLater, round), round * round)
        }
        yield* untilStats(({ died }) => died === 20)
      }).pipe(one))
  })

  describe(`${name}: a job that cuts its worker off`, () => {
    it.live("does not, and has a result", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(cutOff, undefined), "cut off")
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        assert.deepInclude(yield* Executor.stats, { workers: 1, died: 0 })
      }).pipe(one))

    it.live("does not, and has its own listeners removed", () =>
      Effect.gen(function*() {
        for (const _ of [1, 2]) assert.strictEqual(yield* Executor.run(removeAll, undefined), 1)
      }).pipe(one))

    it.live("does not, and can wait for what never comes", () =>
      Effect.gen(function*() {
        yield* Executor.run(cutOff, undefined)
        const error = yield* Effect.flip(Executor.run(setupNeverEnds, undefined, { deadline: { running: 100 } }))
        assert.propertyVal(error, "_tag", "DeadlineExceeded")
      }).pipe(one))
  })

  describe(`${name}: items that end their workers, of several in one message`, () => {
    it.live("are all that is lost", () =>
      Effect.gen(function*() {
        const exits = yield* Stream.make(1, 2, -3, 4, -5, 6).pipe(
          Executor.mapExit(faults.exitBelowZero, { chunkSize: 6 }),
          Stream.runCollect
        )
        const shown = exits.map((exit) => Exit.isSuccess(exit) ? exit.value : tagOf(exit))
        assert.deepStrictEqual(shown, [1, 2, "WorkerDied", 4, "WorkerDied", 6])
        // Of a process nothing tells which it was, until it dies of that alone.
        assert.propertyVal(yield* Executor.stats, "died", name === "ThreadExecutor" ? 2 : 4)
      }).pipe(one))
  })

  describe(`${name}: an item that ends its worker in the middle of a chunk`, () => {
    // A process tells of a message's items when all have ended, so that those before the one at fault are run again.
    const runsBefore = name === "ThreadExecutor" ? 1 : 2

    const failsAlone = (length: number, chunkSize: number, ms = 2) =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const numbers = Array.from({ length }, (_, n) => n)
        const atFault = chunkSize / 2
        const exits = yield* Stream.fromIterable(numbers).pipe(
          Stream.map((n) => ({ notes, n, ms, dies: n === atFault })),
          Executor.mapExit(faults.work, { chunkSize }),
          Stream.runCollect
        )
        const shown = exits.map((exit) => Exit.isSuccess(exit) ? exit.value : tagOf(exit))
        assert.deepStrictEqual(shown, numbers.map((n) => n === atFault ? "WorkerDied" : n * n))
        const runs = Object.groupBy(Notes.lines(notes), (n) => n)
        assert.deepStrictEqual(numbers.map((n) => runs[n]?.length), numbers.map((n) => n <= atFault ? runsBefore : 1))
      })

    it.live("fails alone; no other is lost, and none runs twice that had replied", () =>
      failsAlone(1500, 1000).pipe(two))

    it.live("fails alone where it is observed, and all are told of once, when each has ended", () =>
      Effect.gen(function*() {
        const settled: Array<number> = []
        const observe = (event: Executor.JobEvent) => event._tag === "Settled" && settled.push(event.at)
        yield* Effect.provideService(failsAlone(100, 80), Executor.JobObserver, observe)
        assert.lengthOf(settled, 100)
        if (name === "ThreadExecutor") assert.isAbove(new Set(settled).size, 50)
      }).pipe(two))

    // A process tells of none before.
    it.live.skipIf(name === "ProcessExecutor")(
      "fails alone among others of no time, whose replies wait for one another",
      () =>
        Effect.repeat(failsAlone(20, 10, 0), { times: 9 }).pipe(
          Effect.provideService(Executor.JobObserver, () => {}),
          two
        )
    )

    it.live.skipIf(name === "ProcessExecutor")(
      "is told of, where it is observed, before one after it waits",
      () =>
        Effect.gen(function*() {
          const notes = yield* makeNotes
          // Then the first takes no time, and its reply could wait for another.
          yield* Executor.run(faults.holdOdd, { notes, n: 2 })
          let settled = 0
          const observe = (event: Executor.JobEvent) => event._tag === "Settled" && settled++
          const squaring = yield* Executor.Executor.use((executor) =>
            executor.execute(faults.holdOdd, [0, 1].map((n) => ({ notes, n })))
          ).pipe(Effect.provideService(Executor.JobObserver, observe), Effect.forkChild)
          yield* until(() => settled === 1)
          Notes.openGate(notes)
          yield* Fiber.join(squaring)
          assert.strictEqual(settled, 2)
        }).pipe(one)
    )

    it.live("is run again as often as retryWorkerDeath says, and those after it in their order", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const numbers = Array.from({ length: 100 }, (_, n) => n)
        const { exits } = yield* Executor.Executor.use((executor) =>
          executor.execute(faults.work, numbers.map((n) => ({ notes, n, ms: 2, dies: n === 50 })), {
            retryWorkerDeath: 2
          })
        )
        const shown = exits.map((exit) => Exit.isSuccess(exit) ? exit.value : tagOf(exit))
        assert.deepStrictEqual(shown, numbers.map((n) => n === 50 ? "WorkerDied" : n * n))
        assert.match(messageOf(exits[50]!), / on attempt 3: /)
        const upToIt = numbers.slice(0, 51)
        const again = name === "ThreadExecutor" ? [] : upToIt
        const ran = [...upToIt, ...again, 50, 50, ...numbers.slice(51)]
        assert.deepStrictEqual(Notes.lines(notes).map(Number), ran)
      }).pipe(one))
  })

  describe(`${name}: an item that fails in the middle of a chunk`, () => {
    const endings = ["succeed", "fail", "never end", "succeed"] as const

    for (const options of [{ concurrency: 1 }, {}, { unordered: true }]) {
      it.live(`fails Executor.map at once, and stops the others: ${JSON.stringify(options)}`, () =>
        Effect.gen(function*() {
          const notes = yield* makeNotes
          const read: Array<number> = []
          const error = yield* Stream.fromIterable(endings.map((does, n) => ({ notes, n, does }))).pipe(
            Executor.map(effects.endAs, { chunkSize: 4, ...options }),
            Stream.runForEach((n) => Effect.sync(() => read.push(n))),
            Effect.flip
          )
          assert.deepInclude({ ...error }, { _tag: "Odd", n: 1 })
          if (options.concurrency === 1) {
            assert.deepStrictEqual(read, [0])
            assert.deepStrictEqual(Notes.lines(notes), ["0", "1"])
          }
          assert.strictEqual(yield* Executor.run(values.square, 3), 9)
          assert.deepInclude(yield* Executor.stats, { queued: 0, died: 0 })
        }).pipe(two))
    }

    it.live("lets the others run to their ends in Executor.mapExit", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const inputs = endings.toSpliced(2, 1).map((does, n) => ({ notes, n, does }))
        const exits = yield* Stream.fromIterable(inputs).pipe(
          Executor.mapExit(effects.endAs, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(exits.map((exit) => Exit.isSuccess(exit) ? exit.value : tagOf(exit)), [0, "Odd", 2])
      }).pipe(one))
  })

  describe(`${name}: large inputs`, () => {
    it.live("are no obstacle when the workers that they go to die", () =>
      Effect.gen(function*() {
        const data = "a".repeat(4_000_000)
        const exits = yield* Effect.forEach(
          [1, -2, -3, 4, -5, 6],
          (n) => Effect.exit(Executor.run(faults.exitOnData, { n, data })),
          { concurrency: "unbounded" }
        )
        const shown = exits.map((exit) => Exit.isSuccess(exit) ? exit.value : tagOf(exit))
        assert.deepStrictEqual(shown, [4_000_001, "WorkerDied", "WorkerDied", 4_000_004, "WorkerDied", 4_000_006])
      }).pipe(two))
  })
}
