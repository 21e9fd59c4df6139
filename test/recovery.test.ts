import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import fs from "node:fs"
import path from "node:path"
import { Executor, ExecutorError, ThreadExecutor } from "../lib/mod.ts"
import * as effects from "./jobs/effects.ts"
import * as faults from "./jobs/faults.ts"
import * as lives from "./jobs/lives.ts"
import * as Notes from "./jobs/notes.ts"
import * as values from "./jobs/values.ts"
import { backEnds, makeNotes } from "./shared/backEnds.ts"
import { tagOf } from "./shared/faults.ts"
import { until } from "./shared/until.ts"

/** An environment that tells a worker where to note what it does. */
const noting = (notes: Notes.Notes) => ({ env: { ...process.env, NOTES: notes } })

for (const { layer, name } of backEnds) {
  const one = Effect.provide(layer({ maxWorkers: 1 }))

  describe(`${name}, retryWorkerDeath`, () => {
    it.live("runs a job again on another worker each time, until it succeeds", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const workerId = yield* Executor.run(faults.dieAtFirst, { deaths: 2, notes }, { retryWorkerDeath: 2 })
        assert.strictEqual(workerId, 3)
        assert.deepStrictEqual(Notes.lines(notes), ["1", "2", "3"])
        assert.deepInclude(yield* Executor.stats, { died: 2, finished: 1, failed: 0, queued: 0 })
      }).pipe(one))

    it.live("says how often the job was tried, once that is spent", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const error = yield* Effect.flip(
          Executor.run(faults.dieAtFirst, { deaths: 9, notes }, { retryWorkerDeath: 2 })
        )
        assert.instanceOf(error, ExecutorError.WorkerDied)
        assert.strictEqual(error.attempt, 3)
        assert.match(error.message, /^Worker 3 died while running job "dieAtFirst" on attempt 3: /)
        assert.strictEqual(Notes.lines(notes).length, 3)
        assert.deepInclude(yield* Executor.stats, { died: 3, finished: 0, failed: 1 })
      }).pipe(one))

    it.live("runs a job once by default, and one that throws or is interrupted never again", () =>
      Effect.gen(function*() {
        const [once, thrown, stopped] = yield* Effect.all([makeNotes, makeNotes, makeNotes])
        const died = yield* Effect.exit(Executor.run(faults.dieAtFirst, { deaths: 1, notes: once }))
        assert.strictEqual(tagOf(died), "WorkerDied")
        assert.strictEqual(Notes.lines(once).length, 1)

        const threw = yield* Effect.exit(Executor.run(faults.throwNoting, thrown, { retryWorkerDeath: 3 }))
        assert.strictEqual(tagOf(threw), "JobThrew")
        assert.strictEqual(Notes.lines(thrown).length, 1)

        const fiber = yield* Executor.submit(faults.busy, stopped, { retryWorkerDeath: 3 })
        yield* until(() => Notes.lines(stopped).length === 1)
        yield* Fiber.interrupt(fiber)
        yield* Executor.run(values.square, 1)
        assert.strictEqual(Notes.lines(stopped).length, 1)
      }).pipe(one))

    it.live("lets the other items of the message succeed", () =>
      Effect.gen(function*() {
        const executor = yield* Executor.Executor
        const settled = yield* executor.execute(faults.exitBelowZero, [1, -2, 3], { retryWorkerDeath: 1 })
        const shown = settled.exits.map((exit) => Exit.isSuccess(exit) ? exit.value : tagOf(exit))
        assert.deepStrictEqual(shown, [1, "WorkerDied", 3])
      }).pipe(one))
  })

  describe(`${name}, a worker that what a job left behind keeps busy for ever`, () => {
    it.live("costs no other job: what it does not begin runs elsewhere, and a job that takes long is let alone", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const long = yield* Executor.submit(faults.busyAtGate, { notes, n: 7 })
        yield* until(() => Notes.lines(notes).length === 1)
        yield* Executor.run(faults.busyAfterwards, notes)
        yield* until(() => Notes.lines(notes).length === 2)
        const exits = yield* Stream.range(1, 3).pipe(
          Executor.mapExit(values.square, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.deepStrictEqual(exits, [1, 4, 9].map(Exit.succeed))
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 3)
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(long), 49)
        assert.deepStrictEqual(Notes.lines(notes), ["7", "busy"])
        assert.deepInclude(yield* Executor.stats, { died: 0, failed: 0, finished: 6 })
      }).pipe(Effect.provide(layer({ maxWorkers: 2 }))))

    it.live("costs no other job, though that is sent to one such worker after the other", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        yield* Effect.forEach([1, 2, 3], () => Executor.submit(faults.busyAfterwards, notes))
        yield* until(() => Notes.lines(notes).length === 3)
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        assert.deepInclude(yield* Executor.stats, { died: 0, failed: 0, finished: 4 })
      }).pipe(Effect.provide(layer({ maxWorkers: 3, minWorkers: 3 }))))
  })

  describe(`${name}, a worker that cannot be started`, () => {
    it.live("fails those who wait with WorkerStartError and the cause, and recovers once starting works again", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const executor = layer({ maxWorkers: 2, setup: lives.setupUnlessBroken, ...noting(notes) })
        yield* Effect.gen(function*() {
          fs.writeFileSync(path.join(notes, "broken"), "")
          const fibers = yield* Effect.forEach([1, 2, 3], (n) => Executor.submit(values.square, n))
          for (const fiber of fibers) {
            const error = yield* Effect.flip(Fiber.join(fiber))
            assert.instanceOf(error, ExecutorError.WorkerStartError)
            assert.match(error.message, /^Worker \d+ could not be started: setup .*no licence for this machine/)
          }
          fs.rmSync(path.join(notes, "broken"))
          assert.strictEqual(yield* Executor.run(values.square, 4), 16)
        }).pipe(Effect.provide(executor))
      }))

    it.live("is not tried again and again while nobody waits", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        fs.writeFileSync(path.join(notes, "broken"), "")
        yield* Effect.gen(function*() {
          assert.strictEqual(tagOf(yield* Effect.exit(Executor.run(values.square, 1))), "WorkerStartError")
          const starts = Notes.lines(notes).length
          yield* Effect.sleep(1300)
          assert.strictEqual(Notes.lines(notes).length, starts)
        }).pipe(Effect.provide(layer({ maxWorkers: 2, setup: lives.setupUnlessBroken, ...noting(notes) })))
      }))

    it.live("is not tried again and again for minWorkers or as a spare either, but when a job waits", () =>
      Effect.gen(function*() {
        const [notes, gate] = yield* Effect.all([makeNotes, makeNotes])
        const ups = () => Notes.lines(notes).filter((line) => line === "up").length
        yield* Effect.gen(function*() {
          // From now on there is a spare.
          const interrupted = yield* Executor.submit(faults.hold, { notes: gate, n: 1 })
          yield* until(() => Notes.lines(gate).length === 1)
          yield* Fiber.interrupt(interrupted)
          yield* until(() => ups() === 4)
          fs.writeFileSync(path.join(notes, "broken"), "")
          const starts = Notes.lines(notes).length
          for (const _ of [1, 2]) yield* Effect.exit(Executor.run(faults.exitBelowZero, -1))
          yield* Effect.sleep(2500)
          assert.isAtMost(Notes.lines(notes).length, starts + 2)
          fs.rmSync(path.join(notes, "broken"))
          const held = yield* Executor.submit(faults.hold, { notes: gate, n: 2 })
          assert.strictEqual(yield* Executor.run(values.square, 4), 16)
          yield* until(() => ups() === 6)
          Notes.openGate(gate)
          assert.strictEqual(yield* Fiber.join(held), 4)
          // And it starts them again by itself.
          yield* Executor.run(faults.exitAfterwards, 3)
          yield* until(() => ups() === 7)
        }).pipe(Effect.provide(
          layer({ minWorkers: 2, maxWorkers: 2, setup: lives.setupUnlessBroken, ...noting(notes) })
        ))
      }))

    it.live("costs no job as long as there is a worker that runs them", () =>
      Effect.gen(function*() {
        const [notes, gate] = yield* Effect.all([makeNotes, makeNotes])
        yield* Effect.gen(function*() {
          yield* Executor.run(values.square, 1)
          fs.writeFileSync(path.join(notes, "broken"), "")
          const held = yield* Executor.submit(faults.hold, { notes: gate, n: 2 })
          const waiting = yield* Executor.submit(values.square, 3)
          yield* until(() => Notes.lines(notes).filter((line) => line === "start").length === 2)
          Notes.openGate(gate)
          assert.deepStrictEqual(yield* Fiber.joinAll([held, waiting]), [4, 9])
        }).pipe(Effect.provide(layer({ maxWorkers: 2, setup: lives.setupUnlessBroken, ...noting(notes) })))
      }))

    it.live("fails those who wait also when it was to replace a worker that has run its last job", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const options = { maxWorkers: 1, maxJobsPerWorker: 1, setup: lives.setupUnlessBroken, ...noting(notes) }
        yield* Effect.gen(function*() {
          const gate = yield* makeNotes
          const last = yield* Executor.submit(faults.hold, { notes: gate, n: 3 })
          yield* until(() => Notes.lines(gate).length === 1)
          yield* until(() => Notes.lines(notes).filter((line) => line === "up").length === 2)
          fs.writeFileSync(path.join(notes, "broken"), "")
          Notes.openGate(gate)
          assert.strictEqual(yield* Fiber.join(last), 9)
          // One replacement was up already; the one after it is not to be had.
          yield* Executor.run(values.square, 4)
          const exit = yield* Effect.exit(Executor.run(values.square, 5)).pipe(Effect.timeout("5 seconds"))
          assert.strictEqual(tagOf(exit), "WorkerStartError")
          fs.rmSync(path.join(notes, "broken"))
          assert.strictEqual(yield* Executor.run(values.square, 6), 36)
        }).pipe(Effect.provide(layer(options)))
      }))

    it.live("is told by the exit code, where it exits before it is up", () =>
      Effect.gen(function*() {
        const directory = yield* makeNotes
        const preload = path.join(directory, "preload.cjs")
        fs.writeFileSync(preload, "process.exit(3)")
        const error = yield* Executor.run(values.square, 1).pipe(
          Effect.provide(layer({ maxWorkers: 1, execArgv: ["--require", preload] })),
          Effect.flip
        )
        assert.instanceOf(error, ExecutorError.WorkerStartError)
        assert.strictEqual(error.exitCode, 3)
      }))

    it.live("fails the layer, where workers were to be up before it is built", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        fs.writeFileSync(path.join(notes, "broken"), "")
        const broken = layer({ maxWorkers: 2, minWorkers: 2, setup: lives.setupUnlessBroken, ...noting(notes) })
        const error = yield* Effect.flip(Effect.provide(Executor.run(values.square, 1), broken))
        assert.instanceOf(error, ExecutorError.WorkerStartError)
      }))
  })

  describe(`${name}, setup`, () => {
    it.live("runs once in each worker, before its first job and also in a replacement", () =>
      Effect.gen(function*() {
        const [notes, gate] = yield* Effect.all([makeNotes, makeNotes])
        yield* Effect.gen(function*() {
          for (const n of [1, 2]) yield* Executor.submit(faults.hold, { notes: gate, n })
          yield* until(() => Notes.lines(gate).length === 2)
          Notes.openGate(gate)
          const counts = yield* Effect.forEach([1, 2, 3, 4], () => Executor.run(lives.countSetups, undefined), {
            concurrency: 2
          })
          assert.deepStrictEqual(counts, [1, 1, 1, 1])
          assert.deepStrictEqual(Notes.lines(notes).toSorted(), ["up 1", "up 2"])
          for (const _ of [1, 2]) yield* Effect.exit(Executor.run(faults.exit, 1))
          assert.strictEqual(yield* Executor.run(lives.countSetups, undefined), 1)
          assert.include(Notes.lines(notes), "up 3")
        }).pipe(Effect.provide(layer({ maxWorkers: 2, setup: lives.setup, ...noting(notes) })))
      }))

    it.live("fails the jobs that wait with WorkerStartError when it ends its worker", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(values.square, 1))
        assert.instanceOf(error, ExecutorError.WorkerStartError)
        assert.strictEqual(error.exitCode, 5)
      }).pipe(Effect.provide(layer({ maxWorkers: 1, setup: lives.setupExits }))))

    it.live("is named with its failure, which may have no message", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(values.square, 1))
        assert.propertyVal(error, "reason", "setup failed: Odd")
      }).pipe(Effect.provide(layer({ maxWorkers: 1, setup: effects.failOdd }))))

    it.live("that never ends holds up neither deadlines nor interruption nor the closing of the scope", () =>
      Effect.gen(function*() {
        const executor = layer({ maxWorkers: 1, setup: lives.setupNeverEnds })
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(executor, scope)
        yield* Effect.gen(function*() {
          const late = yield* Effect.exit(Executor.run(values.square, 1, { deadline: { queued: "20 millis" } }))
          assert.strictEqual(tagOf(late), "DeadlineExceeded")
          const fiber = yield* Executor.submit(values.square, 2)
          yield* Fiber.interrupt(fiber)
        }).pipe(Effect.provide(context))
        yield* Scope.close(scope, Exit.void)
      }))
  })
}

describe("a thread that Node refuses to make", () => {
  it.live("fails each job that comes, and counts as no worker", () =>
    Effect.gen(function*() {
      for (const n of [1, 2]) {
        const exit = yield* Effect.exit(Executor.run(values.square, n)).pipe(Effect.timeout("5 seconds"))
        assert.strictEqual(tagOf(exit), "WorkerStartError")
        assert.deepInclude(yield* Executor.stats, { workers: 0, died: n })
      }
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, execArgv: ["--no-such-flag"] }))))
})

describe("WorkerDied.attempt", () => {
  it.live("does not count the tries of the items before it in its message", () =>
    Effect.gen(function*() {
      const executor = yield* Executor.Executor
      const { exits } = yield* executor.execute(faults.exitBelowZero, [-1, 2, -3])
      const attempts = yield* Effect.forEach([exits[0]!, exits[2]!], Effect.flip)
      assert.deepStrictEqual(attempts.map((error) => (error as ExecutorError.WorkerDied).attempt), [1, 1])
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))))
})
