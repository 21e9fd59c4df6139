import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { execFile, spawnSync } from "node:child_process"
import { promisify } from "node:util"
import { Executor, ExecutorError, ProcessExecutor, ThreadExecutor } from "../lib/mod.ts"
import * as buffers from "./jobs/buffers.ts"
import { postMessage, removeEach } from "./jobs/chatter.ts"
import * as effects from "./jobs/effects.ts"
import * as faults from "./jobs/faults.ts"
import { where } from "./jobs/lives.ts"
import * as Notes from "./jobs/notes.ts"
import * as values from "./jobs/values.ts"
import { backEnds, makeNotes } from "./shared/backEnds.ts"
import { tagOf } from "./shared/faults.ts"
import { messageFor } from "./shared/invalidOptions.ts"
import * as Programs from "./shared/programs.ts"
import { until } from "./shared/until.ts"

const one = Effect.provide(ProcessExecutor.layer({ maxWorkers: 1 }))
const two = Effect.provide(ProcessExecutor.layer({ maxWorkers: 2 }))

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Not so a process that has ended and whose parent has not asked how. */
const isRunning = (pid: number) =>
  /^[^Z]/.test(spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" }).stdout)

describe("ProcessExecutor.layer", () => {
  it.live("runs jobs in other processes, with the environment and the flags that were asked for", () =>
    Effect.gen(function*() {
      assert.notStrictEqual((yield* Executor.run(where, 0)).pid, process.pid)
      assert.strictEqual(yield* Executor.run(values.variable, "GREETING"), "hello")
      assert.deepStrictEqual(yield* Executor.run(values.execArgv, undefined), ["--no-warnings"])
    }).pipe(Effect.provide(
      ProcessExecutor.layer({ maxWorkers: 1, env: { GREETING: "hello" }, execArgv: ["--no-warnings"] })
    )))

  it.live("gives its processes whole limits", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Executor.run(values.execArgv, undefined), [
        "--max-old-space-size=100",
        "--max-semi-space-size=1",
        "--stack-size=1536"
      ])
    }).pipe(
      Effect.provide(
        ProcessExecutor.layer({
          maxWorkers: 1,
          resourceLimits: { maxOldGenerationSizeMb: 100.5, maxYoungGenerationSizeMb: 2, stackSizeMb: 1.5 }
        })
      )
    ))

  it.live.each([16, 48])(
    "limits the heap of a process as that of a thread is: a young generation of %i MiB",
    (young) =>
      Effect.gen(function*() {
        const resourceLimits = { maxOldGenerationSizeMb: 100, maxYoungGenerationSizeMb: young }
        const [thread, child] = yield* Effect.forEach(
          [ThreadExecutor, ProcessExecutor],
          ({ layer }) =>
            Effect.provide(Executor.run(values.heapLimit, undefined), layer({ maxWorkers: 1, resourceLimits }))
        )
        assert.strictEqual(child, thread)
      })
  )

  it.live("gives its processes no flags by default", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Executor.run(values.execArgv, undefined), [])
    }).pipe(one))

  it.live("refuses options by name", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* messageFor(ProcessExecutor.layer, { maxWorkers: 0 }),
        "maxWorkers must be a positive integer: received 0"
      )
      assert.strictEqual(
        yield* messageFor(ProcessExecutor.layer, { resourceLimits: { stackSizeMb: 0.1 } }),
        "resourceLimits.stackSizeMb must be a number of at least 0.5: received 0.1"
      )
    }))

  it.live("leaves no process when its scope closes, busy or idle", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      yield* Effect.gen(function*() {
        yield* Executor.submit(faults.busy, notes)
        yield* until(() => Notes.lines(notes).length === 1)
        Notes.write(notes, `${(yield* Executor.run(where, 0)).pid}`)
        assert.isTrue(Notes.lines(notes).every((pid) => isAlive(Number(pid))))
      }).pipe(two)
      assert.isFalse(Notes.lines(notes).some((pid) => isAlive(Number(pid))))
    }))
})

describe("Executor.run on processes", () => {
  it.live("copies inputs and results as the structured clone algorithm does", () =>
    Effect.gen(function*() {
      const thing = { date: new Date(0), map: new Map([["key", new Set([1n])]]), pattern: /x/g, nothing: undefined }
      assert.deepStrictEqual(yield* Executor.run(values.echo, thing), thing)
      assert.strictEqual(yield* Executor.run(values.echo, undefined), undefined)
      const bytes = yield* Executor.run(values.bytes, { count: 3, n: 7 })
      assert.deepStrictEqual([...bytes], [7, 7, 7])
    }).pipe(one))

  it.live("fails with a job's tagged error, its fields, message and cause included", () =>
    Effect.gen(function*() {
      const small = yield* Effect.flip(Executor.run(effects.half, 2))
      assert.deepInclude({ ...small }, { _tag: "TooSmall", n: 2, limits: { min: 10 } })
      assert.strictEqual(small.message, "2 is below 10")
      const outer = yield* Effect.flip(Executor.run(effects.failWithCause, undefined))
      assert.deepInclude({ ...(outer as effects.Outer).cause }, { _tag: "Odd", n: 3 })
    }).pipe(one))

  it.live("brings each result of a chunk with a buffer of its own", () =>
    Effect.gen(function*() {
      const inputs = Array.from({ length: 10 }, (_, n) => ({ count: n, n }))
      const results = yield* Stream.fromIterable(inputs).pipe(
        Executor.map(values.bytes, { chunkSize: 10 }),
        Stream.runCollect
      )
      assert.deepStrictEqual(results.map(({ buffer }) => buffer.byteLength), inputs.map(({ count }) => count))
    }).pipe(one))

  for (const kind of ["url", "blob", "headers", "module"] as const) {
    it.live(`fails with CloneError for a result that another process would not get as it is: ${kind}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(values.thingOfNode, kind))
        assert.propertyVal(error, "_tag", "CloneError")
        assert.propertyVal(error, "side", "result")
        assert.strictEqual(yield* Executor.run(values.square, 2), 4)
      }).pipe(one))
  }

  for (const kind of ["url", "blob", "headers"] as const) {
    it.live(`fails with CloneError for an input that another process would not get as it is: ${kind}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(values.echo, { thing: values.ofNode[kind]() }))
        assert.propertyVal(error, "_tag", "CloneError")
        assert.propertyVal(error, "side", "input")
      }).pipe(one))
  }

  it.live("fails with CloneError for memory that only threads can share, and goes on", () =>
    Effect.gen(function*() {
      const result = yield* Effect.flip(Executor.run(values.sharedBelowZero, -1))
      assert.instanceOf(result, ExecutorError.CloneError)
      assert.match(result.message, /^The result of job "sharedBelowZero" cannot be cloned: #<SharedArrayBuffer>/)
      const input = yield* Effect.flip(Executor.run(values.echo, new SharedArrayBuffer(8)))
      assert.instanceOf(input, ExecutorError.CloneError)
      assert.match(input.message, /^The input of job "echo" cannot be cloned: .*#<SharedArrayBuffer>/)
      assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
    }).pipe(one))

  it.live("does not say of an error that was caught that its process ended of it", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Executor.run(faults.exitWhenCaught, 3))
      assert.propertyVal(error, "reason", "The worker has exited with code: 3")
    }).pipe(one))

  it.live("keeps the buffers of transfer where they are, and runs what a dead worker had not begun elsewhere", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      const array = Uint8Array.of(1, 2, 3)
      yield* Executor.run(faults.busyAfterwards, notes)
      yield* until(() => Notes.lines(notes).length === 1)
      const options = { transfer: [array.buffer] }
      assert.deepStrictEqual(yield* Executor.run(values.echo, array, options), Uint8Array.of(1, 2, 3))
      assert.strictEqual(array.length, 3)
    }).pipe(one))

  it.live("has nothing to give back after a loan", () =>
    Effect.gen(function*() {
      const [array, sum] = yield* Executor.use(
        buffers.filled,
        { length: 10, value: 7 },
        (array) => Effect.succeed([array, array.reduce((a, b) => a + b)] as const)
      )
      assert.strictEqual(sum, 70)
      assert.strictEqual(array.length, 10)
    }).pipe(one))
})

describe("Executor.mapExit on processes", () => {
  it.live("costs only the item whose result only threads can share", () =>
    Effect.gen(function*() {
      const exits = yield* Stream.make(1, 2, -3, 4).pipe(
        Executor.mapExit(values.sharedBelowZero, { chunkSize: 4 }),
        Stream.runCollect
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, true])
    }).pipe(one))

  it.live("costs only the item whose input is nested too deep for its worker to read", () =>
    Effect.gen(function*() {
      const exits = yield* Stream.make({}, values.nested.run(2000, undefined as never), {}).pipe(
        Executor.mapExit(values.lengthOf, { chunkSize: 3 }),
        Stream.runCollect
      )
      assert.deepStrictEqual(exits.map(tagOf), ["Succeeded", "CloneError", "Succeeded"])
    }).pipe(Effect.provide(ProcessExecutor.layer({ maxWorkers: 1, resourceLimits: { stackSizeMb: 0.5 } }))))
})

describe("a job that sends messages of its own", () => {
  it.live("settles, and they are taken for nobody's", () =>
    Effect.gen(function*() {
      for (const message of ["hello", 7, { some: "thing" }, [], [1, { _tag: "HeldUp" }]]) {
        assert.strictEqual(yield* Executor.run(postMessage, message), "posted")
      }
      assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
    }).pipe(one))
})

describe("a job that removes its process's listeners one by one", () => {
  for (const remove of ["off", "removeListener"] as const) {
    it.live(`does not cut its worker off: ${remove}`, () =>
      Effect.gen(function*() {
        yield* Executor.run(removeEach, remove)
        assert.strictEqual(yield* Executor.run(values.workerId, undefined), 1)
      }).pipe(one))
  }
})

/** Has no thread start. */
const threadless = "data:text/javascript,import { syncBuiltinESMExports } from 'node:module';" +
  "import threads from 'node:worker_threads'; threads.Worker = class { constructor() { throw Error('no thread left') } };" +
  "syncBuiltinESMExports()"

describe("a worker process that can start no thread", () => {
  it.live("says so", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Executor.run(values.square, 3))
      assert.propertyVal(error, "_tag", "WorkerStartError")
      assert.include(error.message, "cannot be started: no thread left")
    }).pipe(Effect.provide(ProcessExecutor.layer({ maxWorkers: 1, execArgv: ["--import", threadless] }))))
})

describe("a worker process that is stopped by SIGSTOP while it is idle", () => {
  it.live("is no obstacle to closing the scope", () =>
    Effect.gen(function*() {
      const { pid } = yield* one(Effect.tap(
        Executor.run(where, 0),
        ({ pid }) => Effect.sync(() => process.kill(pid, "SIGSTOP"))
      ))
      assert.isFalse(isAlive(pid))
    }))
})

describe("a process that a job has started", () => {
  it.live("ends when the job is stopped", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      const program = yield* Programs.start("process-workers.ts", notes, "parent", "SIGINT")
      program.child.kill("SIGINT")
      yield* until(program.isAllGone).pipe(Effect.timeout("10 seconds"))
      assert.strictEqual(program.stdout(), "ready\nresult 9\n")
    }))
})

describe("a process that cannot be spawned", () => {
  it.live("costs the job that waits for it, and the next has one", () =>
    Effect.gen(function*() {
      const program = new URL("./programs/out-of-files.ts", import.meta.url).pathname
      const limited = ["-c", `ulimit -n 100; exec "$0" "$1"`, process.execPath, program]
      const { stderr, stdout } = yield* Effect.promise(() => promisify(execFile)("sh", limited))
      assert.strictEqual(stderr, "")
      assert.match(stdout, /^Worker 1 could not be started: Error: spawn .* EMFILE\n9\n$/)
    }))
})

describe("a program that is killed by SIGKILL", () => {
  for (const what of ["idle", "busy"]) {
    it.live(`takes its worker processes with it: ${what}`, () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const program = yield* Programs.start("process-workers.ts", notes, what)
        program.child.kill("SIGKILL")
        yield* until(program.isAllGone).pipe(Effect.timeout("10 seconds"))
        assert.strictEqual(program.stdout(), "ready\n")
      }))
  }
})

describe("a thread that is stopped", () => {
  it.live("takes its worker processes with it, busy loops included", () =>
    Effect.gen(function*() {
      const { busyInProcess } = yield* Effect.promise(() => import("./jobs/nesting.ts"))
      const notes = yield* makeNotes
      const fiber = yield* Executor.submit(busyInProcess, notes)
      yield* until(() => Notes.lines(notes).length > 0)
      yield* Fiber.interrupt(fiber)
      const pid = Number(Notes.lines(notes)[0])
      yield* until(() => !isRunning(pid)).pipe(Effect.timeout("4 seconds"))
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1, cancelGrace: 0 }))))
})

describe("a signal to the whole group of processes, such as Ctrl-C", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it.live(`leaves it to the program whether its worker processes go on: ${signal}`, () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const program = yield* Programs.start("process-workers.ts", notes, "idle", signal)
        Programs.signalGroup(program, signal)
        yield* until(program.isAllGone)
        assert.strictEqual(program.stdout(), "ready\nresult 9\n")
        assert.strictEqual(program.child.exitCode, 0)
      }))
  }

  for (const { name } of backEnds) {
    it.live(`stops a program and the busy loops of its workers: ${name}`, () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const program = yield* Programs.start("ctrl-c.ts", notes, name)
        Programs.signalGroup(program, "SIGINT")
        yield* until(program.isAllGone)
        assert.strictEqual(program.stdout(), "ready\nclosed\n")
        assert.strictEqual(program.child.exitCode, 130)
      }))
  }
})

describe("an error of a worker process", () => {
  it.live("WorkerDied tells the signal, and no exit code", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Executor.run(faults.signalSelf, "SIGKILL"))
      assert.instanceOf(error, ExecutorError.WorkerDied)
      assert.strictEqual(error.exitCode, undefined)
      assert.strictEqual(error.message, `Worker 1 died while running job "signalSelf": it was killed by SIGKILL`)
    }).pipe(one))

  // Windows has no groups of processes.
  it.live.skipIf(process.platform === "win32")(
    "a job that kills its group of processes costs that job",
    () =>
      Effect.gen(function*() {
        const [error, square] = yield* Effect.all(
          [Effect.flip(Executor.run(faults.killGroup, undefined)), Executor.run(values.square, 3)],
          { concurrency: 2 }
        )
        assert.instanceOf(error, ExecutorError.WorkerDied)
        assert.strictEqual(square, 9)
      }).pipe(one)
  )
})
