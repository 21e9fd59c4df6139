import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, FileSystem, Latch, Layer, PlatformError, Schema, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { sin } from "../lib/jobs/sin.ts"
import { Executor, ExecutorError, InlineExecutor, Recorder, RunRecord } from "../lib/mod.ts"
import * as Board from "./jobs/board.ts"
import { abortable } from "./jobs/endless.ts"
import * as lives from "./jobs/lives.ts"
import * as values from "./jobs/values.ts"
import { backEnds } from "./shared/backEnds.ts"
import { runRecord, sample } from "./shared/records.ts"
import { until } from "./shared/until.ts"

const { RecordNotRead, RecordNotWritten } = Recorder
const services = Layer.provideMerge(Recorder.Recorder.layer, NodeServices.layer)
const inline = Effect.provide(InlineExecutor.layer({ maxWorkers: 2 }))
const live = Effect.provide(services)

/** Where a test's record goes: in a directory of its own. */
const place = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  const file = `${directory}/run.json`
  return {
    directory,
    file,
    journal: `${directory}/run.jsonl`,
    names: Effect.map(fs.readDirectory(directory), (names) => names.toSorted())
  }
})

const record = Effect.fnUntraced(function*<A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Recorder.Place & Partial<Recorder.Options>
) {
  const recorder = yield* Recorder.Recorder
  return yield* recorder.record(program, {
    script: "test",
    parameters: { workers: 2, note: "a test" },
    sampleInterval: "5 millis",
    ...options
  })
})

const read = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Schema.decodeEffect(Schema.fromJsonString(RunRecord.RunRecord))(yield* fs.readFileString(file))
})

/** Those of whole lines; the last may be in the middle of being written. */
const eventsIn = (journal: string) =>
  FileSystem.FileSystem.use((fs) =>
    Effect.map(
      fs.readFileString(journal),
      (text) =>
        text.split("\n").slice(0, -1).map((line) =>
          JSON.parse(line) as Record<string, unknown> & { readonly _tag: string }
        )
    )
  )

const threeSines = inline(Effect.forEach([10, 20, 30], (count) => Executor.run(sin, { count })))

/** Holds a job until the board's gate opens, after one that succeeded. */
const oneThenHeld = (board: Board.Board) =>
  inline(Effect.andThen(Executor.run(values.square, 2), Executor.run(values.hold, { board, label: 1 })))

describe("Recorder.record", () => {
  it.live("ends as the program does, and leaves the record alone", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const sines = yield* record(threeSines, { file })
      assert.strictEqual(sines.length, 3)
      assert.deepStrictEqual(yield* names, ["run.json"])

      const written = yield* read(file)
      assert.deepInclude(written, { version: 1, script: "test", status: "completed" })
      assert.deepStrictEqual(written.parameters, { workers: 2, note: "a test" })
      assert.strictEqual(written.environment.node, process.versions.node)
      assert.deepStrictEqual(
        written.jobs.map(({ job, resultBytes, status, workerId }) => ({ job, resultBytes, status, workerId })),
        [80, 160, 240].map((resultBytes, job) => ({ job, resultBytes, status: "succeeded" as const, workerId: 1 }))
      )
      for (const job of written.jobs) assert.containsAllKeys(job, ["submittedMs", "startedMs", "returnedMs"])
      assert.isAtLeast(Date.parse(written.finishedAt), Date.parse(written.startedAt))
    }).pipe(live))

  it.live("samples the memory before the first job, at each result, and at the end", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      yield* record(threeSines, { file, sampleInterval: "1 hour" })
      const { memory, summary } = yield* read(file)
      assert.deepStrictEqual(memory.map(({ finishedJobs }) => finishedJobs), [0, 1, 2, 3, 3])
      assert.strictEqual(summary.baselineRssBytes, memory[0]!.rssBytes)
    }).pipe(live))

  it.live("samples the memory while no result comes", () =>
    Effect.gen(function*() {
      const { file, journal } = yield* place
      const board = Board.make()
      const fiber = yield* Effect.forkChild(record(oneThenHeld(board), { file, sampleInterval: "1 millis" }))
      const samples = Effect.map(Effect.orElseSucceed(eventsIn(journal), () => []), (events) =>
        events.filter(({ _tag, finishedJobs }) => _tag === "Sample" && finishedJobs === 1).length)
      yield* Effect.repeat(Effect.delay(samples, 1), {
        until: (count) =>
          count >= 5
      })
      Board.openGate(board)
      yield* Fiber.join(fiber)
    }).pipe(live))

  it.live("records a failure, and passes it on", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const error = yield* Effect.flip(record(inline(Executor.run(values.root, -1)), { file }))
      assert.propertyVal(error, "_tag", "JobThrew")
      const { jobs, status } = yield* read(file)
      assert.strictEqual(status, "failed")
      assert.deepInclude(jobs[0], { status: "failed", error: "no root of -1" })
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("records a defect as a failure, and passes it on", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      const exit = yield* Effect.exit(record(Effect.die("a mistake"), { file }))
      assert.isTrue(Exit.hasDies(exit))
      assert.propertyVal(yield* read(file), "status", "failed")
    }).pipe(live))

  it.live("records an interruption, and passes it on", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const board = Board.make()
      const program = inline(Effect.andThen(Executor.run(values.square, 2), Executor.run(abortable, board)))
      const fiber = yield* Effect.forkChild(record(program, { file }))
      yield* until(() => Board.started(board) === 1)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      const { jobs, status } = yield* read(file)
      assert.strictEqual(status, "interrupted")
      assert.deepStrictEqual(jobs.map((job) => job.status), ["succeeded", "interrupted"])
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("records what fails when the program is interrupted as a failure, and passes it on", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      const begun = yield* Latch.make()
      const program = Effect.ensuring(Effect.andThen(begun.open, Effect.never), Effect.die(new Error("not closed")))
      const fiber = yield* Effect.forkChild(record(program, { file }))
      yield* begun.await
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.hasInterrupts(exit))
      assert.isTrue(Exit.hasDies(exit))
      assert.strictEqual((yield* read(file)).status, "failed")
    }).pipe(live))

  it.live("records a program that runs no job", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      yield* record(Effect.void, { file })
      assert.deepStrictEqual((yield* read(file)).jobs, [])
    }).pipe(live))

  it.live("records each item of a chunk", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      const program = Stream.make(1, 2, 4).pipe(
        Stream.map((count) => ({ count, n: 0 })),
        Executor.map(values.bytes, { chunkSize: 3 }),
        Stream.runDrain,
        inline
      )
      yield* record(program, { file })
      assert.deepStrictEqual((yield* read(file)).jobs.map(({ resultBytes }) => resultBytes), [1, 2, 4])
    }).pipe(live))

  it.live("records the jobs of every executor that the program uses", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      yield* record(Effect.andThen(threeSines, threeSines), { file })
      assert.strictEqual((yield* read(file)).jobs.length, 6)
    }).pipe(live))

  for (const { layer, name } of backEnds) {
    it.live(`counts the CPU time of jobs on ${name}`, () =>
      Effect.gen(function*() {
        const { file } = yield* place
        const work = Effect.forEach([500, 500], (ms) => Executor.run(lives.work, ms))
        yield* record(Effect.provide(work, layer({ maxWorkers: 1 })), { file })
        const { jobs, summary } = yield* read(file)
        const inJobs = jobs.reduce((sum, { cpuMs }) => sum + cpuMs!, 0)
        assert.isAbove(summary.cpuMs, inJobs)
      }).pipe(live))
  }

  it.live("leaves the observer that was there in place", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      const seen: Array<string> = []
      yield* record(threeSines, { file }).pipe(
        Effect.provideService(Executor.JobObserver, ({ _tag }) => void seen.push(_tag))
      )
      assert.strictEqual(seen.length, 9)
      assert.strictEqual(seen[0], "Submitted")
    }).pipe(live))

  it.live("writes the record where it was to be, though the program goes to another folder", () =>
    Effect.gen(function*() {
      const { directory, file, names } = yield* place
      const elsewhere = yield* place
      const before = process.cwd()
      yield* Effect.addFinalizer(() => Effect.sync(() => process.chdir(before)))
      process.chdir(directory)
      yield* record(Effect.sync(() => process.chdir(elsewhere.directory)), { file: "run.json" })
      assert.deepStrictEqual(yield* names, ["run.json"])
      assert.deepStrictEqual(yield* elsewhere.names, [])
      assert.propertyVal(yield* read(file), "status", "completed")
    }).pipe(live))

  it.live("hands the record over once it is written", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      const seen: Array<Exit.Exit<RunRecord.RunRecord, Recorder.RecordNotWritten>> = []
      yield* record(threeSines, { file, onRecord: (written) => Effect.sync(() => void seen.push(written)) })
      assert.deepStrictEqual(seen, [Exit.succeed(yield* read(file))])
    }).pipe(live))

  it.live("keeps a journal while the program runs", () =>
    Effect.gen(function*() {
      const { file, journal, names } = yield* place
      const board = Board.make()
      const fiber = yield* Effect.forkChild(record(oneThenHeld(board), { file, sampleInterval: "1 hour" }))
      yield* until(() => Board.started(board) === 1)
      const tags = Effect.map(eventsIn(journal), (events) => events.map(({ _tag }) => _tag).join(" "))
      yield* Effect.repeat(Effect.delay(tags, 1), {
        until: (tags) => tags === "Start Sample Submitted Started Settled Sample Submitted Started"
      })
      assert.deepStrictEqual(yield* names, ["run.jsonl"])
      Board.openGate(board)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("does not begin where a file stands, unless it is to be overwritten", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      const fs = yield* FileSystem.FileSystem
      yield* fs.writeFileString(file, "precious")
      let begun = false
      const program = Effect.sync(() => {
        begun = true
      })
      const error = yield* Effect.flip(record(program, { file }))
      assert.instanceOf(error, RecordNotWritten)
      assert.include(error.message, `${file.slice(0, -5)}`)
      assert.include(error.message, "expected no file there yet, but the file exists")
      assert.isFalse(begun)
      assert.strictEqual(yield* fs.readFileString(file), "precious")

      yield* record(program, { file, overwrite: true })
      assert.isTrue(begun)
      assert.propertyVal(yield* read(file), "status", "completed")
    }).pipe(live))

  it.live("does not begin where the journal of an earlier run stands, unless it is to be overwritten", () =>
    Effect.gen(function*() {
      const { file, journal, names } = yield* place
      const fs = yield* FileSystem.FileSystem
      yield* fs.writeFileString(journal, "precious")
      const error = yield* Effect.flip(record(Effect.void, { file }))
      assert.instanceOf(error, RecordNotWritten)
      assert.include(error.message, journal)
      assert.strictEqual(yield* fs.readFileString(journal), "precious")
      yield* record(Effect.void, { file, overwrite: true })
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("takes a journal that is to be overwritten, and names its own process, for that of another with its number", () =>
    Effect.gen(function*() {
      const { file, journal, names } = yield* place
      const fs = yield* FileSystem.FileSystem
      yield* fs.writeFileString(journal, `${JSON.stringify({ ...startOfKilled, pid: process.pid })}\n`)
      yield* record(Effect.void, { file, overwrite: true })
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("does not begin with a name that ends in something else", () =>
    Effect.gen(function*() {
      const { directory, names } = yield* place
      const error = yield* Effect.flip(record(Effect.die("begun"), { file: `${directory}/run.txt` }))
      assert.strictEqual(error.message, `${directory}/run.txt cannot be written: expected a name that ends in .json`)
      assert.deepStrictEqual(yield* names, [])
    }).pipe(live))

  it.live("leaves the journal of a run that goes on alone, also where it is to be overwritten", () =>
    Effect.gen(function*() {
      const { file, journal } = yield* place
      const fs = yield* FileSystem.FileSystem
      const program = Effect.gen(function*() {
        const ofParent = (yield* fs.readFileString(journal)).replace(/"pid":\d+/, `"pid":${process.ppid}`)
        yield* fs.writeFileString(journal, ofParent)
        return yield* Effect.flip(record(Effect.die("begun"), { file, overwrite: true }))
      })
      const error = yield* record(program, { file })
      assert.instanceOf(error, RecordNotWritten)
      assert.include(error.message, `${journal} cannot be written`)
      assert.include(error.message, `its run goes on, in process ${process.ppid}`)
    }).pipe(live))

  it.live("keeps a journal for one run of its process, also where it is to be overwritten", () =>
    Effect.gen(function*() {
      const { file, journal, names } = yield* place
      const refused = yield* Latch.make()
      let begun = 0
      const program = Effect.suspend(() => ++begun === 1 ? refused.await : Effect.die("begun as well"))
      const exits = yield* Effect.forEach(
        [1, 2],
        () => Effect.exit(Effect.onError(record(program, { file, overwrite: true }), () => refused.open)),
        { concurrency: "unbounded" }
      )
      const reasons = exits.flatMap((exit) => Exit.isFailure(exit) ? String(exit.cause) : [])
      assert.lengthOf(reasons, 1)
      const reason =
        `${journal} cannot be written: expected no journal there yet: its run goes on, in process ${process.pid}`
      assert.include(reasons[0], reason)

      const within = record(Effect.die("begun within"), { file, overwrite: true })
      const error = yield* record(Effect.flip(within), { file, overwrite: true })
      assert.propertyVal(error, "message", reason)
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("does not begin where a FIFO stands in place of the journal, which would wait for a reader", () =>
    Effect.gen(function*() {
      const { file, journal } = yield* place
      execFileSync("mkfifo", [journal])
      const error = yield* Effect.flip(record(Effect.die("begun"), { file, overwrite: true }))
      assert.instanceOf(error, RecordNotWritten)
      assert.strictEqual(
        error.message,
        `${journal} cannot be written: expected no journal there yet, but there is a FIFO`
      )
    }).pipe(live))

  it.live("does not begin where there is no directory, or where a directory stands", () =>
    Effect.gen(function*() {
      const { directory } = yield* place
      for (const file of [`${directory}/no/such/run.json`, directory]) {
        const error = yield* Effect.flip(record(Effect.die("begun"), { file, overwrite: true }))
        assert.instanceOf(error, RecordNotWritten)
        assert.include(error.message, "cannot be written: ")
      }
    }).pipe(live))

  it.live("does not begin with a name that leaves no room for what is written beside it", () =>
    Effect.gen(function*() {
      const { directory, names } = yield* place
      const most = 255 - `.${process.pid}.partial`.length
      const nameOf = (bytes: number) => `${directory}/${"é".repeat(50)}${"a".repeat(bytes - 105)}.json`
      const error = yield* Effect.flip(record(Effect.die("begun"), { file: nameOf(most + 1) }))
      assert.include(error.message, `cannot be written: expected a name of at most ${most} bytes`)
      assert.deepStrictEqual(yield* names, [])
      yield* record(Effect.void, { file: nameOf(most) })
    }).pipe(live))

  it.live("does not begin with a name or parameters that it could not read again", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const refused = [
        [{ parameters: { ratio: NaN } }, /cannot be written: it would be no record: .*finite.*ratio/su],
        [{ script: "" }, /cannot be written: it would be no record: .*at least 1.*script/su]
      ] as const
      for (const [given, message] of refused) {
        const error = yield* Effect.flip(record(Effect.die("begun"), { file, ...given }))
        assert.instanceOf(error, RecordNotWritten)
        assert.match(error.message, message)
      }
      assert.deepStrictEqual(yield* names, [])
    }).pipe(live))

  it.live("does not begin with an interval that is none", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      for (const sampleInterval of [Number.NaN, -1, "abc" as "1 second"]) {
        const error = yield* Effect.flip(record(Effect.die("it began"), { file, sampleInterval }))
        assert.instanceOf(error, ExecutorError.InvalidOptions)
        assert.include(error.message, "sampleInterval must be a duration of at least 0: received")
        assert.deepStrictEqual(yield* names, [])
      }
    }).pipe(live))

  it.live("leaves a journal that holds everything, where the record cannot be written at the end", () =>
    Effect.gen(function*() {
      const { file, journal } = yield* place
      const fs = yield* FileSystem.FileSystem
      const program = Effect.andThen(fs.writeFileString(file, "somebody else's"), Executor.run(values.square, 3))
      const error = yield* Effect.flip(inline(record(program, { file })))
      assert.instanceOf(error, RecordNotWritten)
      assert.strictEqual(yield* fs.readFileString(file), "somebody else's")
      const tags = (yield* eventsIn(journal)).map(({ _tag }) => _tag)
      assert.includeMembers(tags, ["Settled", "End"])
    }).pipe(live))
})

const noSpace = (method: string) =>
  Effect.suspend(() =>
    Effect.fail(
      PlatformError.systemError({ _tag: "Unknown", module: "FileSystem", method, description: "no space left" })
    )
  )

/** A disk on which nothing fits once `isFull`. */
const fullDisk = (isFull: () => boolean) => {
  const files = Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) =>
      FileSystem.FileSystem.of({
        ...fs,
        open: (path, options) =>
          Effect.map(fs.open(path, options), (file) =>
            Object.assign(Object.create(file) as FileSystem.File, {
              writeAll: (bytes: Uint8Array) => isFull() ? noSpace("writeAll") : file.writeAll(bytes)
            })),
        writeFileString: (path, text, options) =>
          isFull()
            ? Effect.andThen(fs.writeFileString(path, text.slice(0, 10), options), noSpace("writeFileString"))
            : fs.writeFileString(path, text, options)
      }))
  )
  return Layer.provideMerge(Recorder.Recorder.layer, Layer.provideMerge(files, NodeServices.layer))
}

describe("Recorder, on a full disk", () => {
  it.live("does not begin where the journal's first line does not fit", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const error = yield* Effect.flip(record(Effect.die("begun"), { file }))
      assert.instanceOf(error, RecordNotWritten)
      assert.include(error.message, "no space left")
      assert.deepStrictEqual(yield* names, [])
    }).pipe(Effect.provide(fullDisk(() => true))))

  it.live("stops the program when the journal does not fit any more", () => {
    let isFull = false
    return Effect.gen(function*() {
      const { file, names } = yield* place
      const board = Board.make()
      const fiber = yield* Effect.forkChild(record(inline(Executor.run(abortable, board)), { file }))
      yield* until(() => Board.started(board) === 1)
      isFull = true
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.instanceOf(error, RecordNotWritten)
      assert.include(error.message, "no space left")
      assert.strictEqual(Board.ended(board), 1)
      assert.deepStrictEqual(yield* names, ["run.jsonl"])
    }).pipe(Effect.provide(fullDisk(() => isFull)))
  })

  it.live("leaves no part of a record", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const recorder = yield* Recorder.Recorder
      const error = yield* Effect.flip(recorder.write(runRecord, { file }))
      assert.instanceOf(error, RecordNotWritten)
      assert.strictEqual(error.file, file)
      assert.deepStrictEqual(yield* names, [])
    }).pipe(Effect.provide(fullDisk(() => true))))
})

describe("Recorder.write, Recorder.check, Recorder.read", () => {
  it.live("write what read gives back", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const recorder = yield* Recorder.Recorder
      yield* recorder.check({ file })
      yield* recorder.write(runRecord, { file })
      assert.deepStrictEqual(yield* recorder.read(file), { record: runRecord, damage: [] })
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("write one after the other what is to be written at once", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const recorder = yield* Recorder.Recorder
      const scripts = ["eager", "lazy", "remove", "loan"]
      yield* Effect.forEach(
        scripts,
        (script) => recorder.write({ ...runRecord, script }, { file, overwrite: true }),
        { concurrency: "unbounded" }
      )
      assert.include(scripts, (yield* recorder.read(file)).record.script)
      yield* Effect.flip(
        Effect.forEach([1, 2], () => recorder.write(runRecord, { file: file.replace("run", "other") }), {
          concurrency: "unbounded"
        })
      )
      assert.deepStrictEqual(yield* names, ["other.json", "run.json"])
    }).pipe(live))

  it.live("fail where a file stands in place of the folder", () =>
    Effect.gen(function*() {
      const { directory } = yield* place
      const fs = yield* FileSystem.FileSystem
      const recorder = yield* Recorder.Recorder
      yield* fs.writeFileString(`${directory}/file`, "")
      const underFile = { file: `${directory}/file/run.json` }
      for (const failing of [recorder.check(underFile), recorder.write(runRecord, underFile)]) {
        const error = yield* Effect.flip(failing)
        assert.strictEqual(error.reason, `expected a folder at ${directory}/file, but there is a File`)
      }
    }).pipe(live))

  it.live("refuse to write what could not be read again", () =>
    Effect.gen(function*() {
      const { file, names } = yield* place
      const recorder = yield* Recorder.Recorder
      const broken = { ...runRecord, summary: { ...runRecord.summary, cpuMs: Number.NaN } }
      const error = yield* Effect.flip(recorder.write(broken, { file }))
      assert.instanceOf(error, RecordNotWritten)
      assert.match(error.message, /cannot be written: it is no record: .*finite.*cpuMs/su)
      assert.deepStrictEqual(yield* names, [])
    }).pipe(live))

  it.live("follow a link to a file, and leave one to nothing alone", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* place
      const fs = yield* FileSystem.FileSystem
      const recorder = yield* Recorder.Recorder
      yield* fs.writeFileString(`${directory}/target.json`, "{}")
      yield* fs.symlink(`${directory}/target.json`, file)
      yield* recorder.write(runRecord, { file, overwrite: true })
      assert.deepStrictEqual((yield* recorder.read(`${directory}/target.json`)).record, runRecord)
      assert.strictEqual(yield* fs.readLink(file), `${directory}/target.json`)
      yield* fs.remove(`${directory}/target.json`)
      const error = yield* Effect.flip(recorder.write(runRecord, { file }))
      assert.include(error.message, "there is a link to nothing")
    }).pipe(live))

  it.live("leave a file that exists alone, unless it is to be overwritten", () =>
    Effect.gen(function*() {
      const { file } = yield* place
      const recorder = yield* Recorder.Recorder
      yield* recorder.write(runRecord, { file })
      const changed = { ...runRecord, script: "eager" }
      assert.instanceOf(yield* Effect.flip(recorder.check({ file })), RecordNotWritten)
      assert.instanceOf(yield* Effect.flip(recorder.write(changed, { file })), RecordNotWritten)
      assert.deepStrictEqual((yield* recorder.read(file)).record, runRecord)
      yield* recorder.check({ file, overwrite: true })
      yield* recorder.write(changed, { file, overwrite: true })
      assert.deepStrictEqual((yield* recorder.read(file)).record, changed)
    }).pipe(live))
})

describe("Recorder.finish", () => {
  /** Above the numbers that any system gives. */
  const noProcess = 2 ** 30

  /** The journal of a run with one job that succeeded and one that ran when it was killed, and where to put it. */
  const killed = Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const running = yield* place
    const board = Board.make()
    const fiber = yield* Effect.forkChild(record(oneThenHeld(board), { file: running.file, sampleInterval: "1 hour" }))
    const lines = Effect.map(
      Effect.orElseSucceed(fs.readFileString(running.journal), () => ""),
      (text) => text.trimEnd().split("\n")
    )
    const journal = yield* Effect.repeat(Effect.delay(lines, 1), {
      until: (lines) => lines.length === 8
    })
    Board.openGate(board)
    yield* Fiber.join(fiber)

    const left = yield* place
    return {
      ...left,
      lines: journal,
      put: (lines: ReadonlyArray<string>) =>
        fs.writeFileString(left.journal, lines.join("\n").replace(/"pid":\d+/, `"pid":${noProcess}`))
    }
  })

  it.live("makes a record of what a killed run left, and removes the journal", () =>
    Effect.gen(function*() {
      const { file, journal, lines, names, put } = yield* killed
      yield* put([...lines, ""])
      const recorder = yield* Recorder.Recorder
      const finished = yield* recorder.finish(journal)
      assert.strictEqual(finished.file, file)
      assert.deepStrictEqual(finished.damage, [])
      assert.deepStrictEqual(yield* names, ["run.json"])
      const written = yield* read(file)
      assert.deepStrictEqual(written, finished.record)
      assert.strictEqual(written.status, "killed")
      assert.strictEqual(written.script, "test")
      assert.deepStrictEqual(written.jobs.map(({ status }) => status), ["succeeded", "killed"])
      assert.strictEqual(written.memory.length, 2)
    }).pipe(live))

  it.live("puts up with a last line that the kill has torn", () =>
    Effect.gen(function*() {
      const { file, journal, lines, names, put } = yield* killed
      yield* put([...lines.slice(0, -1), lines.at(-1)!.slice(0, 20)])
      const recorder = yield* Recorder.Recorder
      const { damage } = yield* recorder.finish(journal)
      assert.deepStrictEqual(damage.map(({ isLast, line }) => ({ isLast, line })), [{ isLast: true, line: 8 }])
      assert.deepStrictEqual(yield* names, ["run.json"])
      assert.propertyVal(yield* read(file), "status", "killed")
    }).pipe(live))

  it.live("tells of a line that is damaged inside, and keeps the journal", () =>
    Effect.gen(function*() {
      const { file, journal, lines, names, put } = yield* killed
      yield* put(lines.map((line, index) => index === 3 ? line.replace(`"job":0`, `"job":"x"`) : line))
      const recorder = yield* Recorder.Recorder
      const { damage } = yield* recorder.finish(journal)
      assert.deepStrictEqual(damage.map(({ isLast, line }) => ({ isLast, line })), [{ isLast: false, line: 4 }])
      assert.include(damage[0]!.problem, "job")
      assert.deepStrictEqual(yield* names, ["run.json", "run.jsonl"])
      assert.strictEqual((yield* read(file)).jobs.length, 2)
    }).pipe(live))

  it.live("leaves a journal alone while the process lives that keeps it, unless told that it is another", () =>
    Effect.gen(function*() {
      const { journal, lines, names, put } = yield* killed
      const fs = yield* FileSystem.FileSystem
      yield* put(lines)
      yield* fs.writeFileString(
        journal,
        (yield* fs.readFileString(journal)).replace(/"pid":\d+/, `"pid":${process.pid}`)
      )
      const recorder = yield* Recorder.Recorder
      const error = yield* Effect.flip(recorder.finish(journal))
      assert.instanceOf(error, Recorder.RunGoesOn)
      assert.include(error.message, `${journal} cannot be finished: its run goes on, in process ${process.pid}`)
      assert.deepStrictEqual(yield* names, ["run.jsonl"])
      yield* recorder.finish(journal, { isOver: true })
      assert.deepStrictEqual(yield* names, ["run.json"])
    }).pipe(live))

  it.live("finishes a run that has ended, whose record could not be written, while its process lives", () =>
    Effect.gen(function*() {
      const { file, journal, names } = yield* place
      const fs = yield* FileSystem.FileSystem
      const program = Effect.andThen(fs.writeFileString(file, "somebody else's"), Executor.run(values.square, 3))
      yield* Effect.flip(inline(record(program, { file })))
      yield* fs.remove(file)
      const recorder = yield* Recorder.Recorder
      yield* recorder.finish(journal)
      assert.deepStrictEqual(yield* names, ["run.json"])
      assert.propertyVal(yield* read(file), "status", "completed")
    }).pipe(live))

  it.live("tells how much it has read", () =>
    Effect.gen(function*() {
      const { journal, lines, put } = yield* killed
      const fs = yield* FileSystem.FileSystem
      yield* put(lines)
      const { length } = yield* fs.readFile(journal)
      const recorder = yield* Recorder.Recorder
      const pieces: Array<number> = []
      yield* recorder.read(journal, { onRead: (bytes) => void pieces.push(bytes) })
      assert.strictEqual(pieces.reduce((sum, bytes) => sum + bytes, 0), length)
    }).pipe(live))

  it.live("makes a valid record of a run that was killed before its first job", () =>
    Effect.gen(function*() {
      const { file, journal, lines, put } = yield* killed
      yield* put(lines.slice(0, 1))
      const recorder = yield* Recorder.Recorder
      yield* recorder.finish(journal)
      assert.deepStrictEqual((yield* read(file)).jobs, [])
    }).pipe(live))

  it.live("leaves a record that exists alone, unless it is to be overwritten", () =>
    Effect.gen(function*() {
      const { file, journal, lines, names, put } = yield* killed
      const fs = yield* FileSystem.FileSystem
      yield* put(lines)
      yield* fs.writeFileString(file, "precious")
      const recorder = yield* Recorder.Recorder
      assert.instanceOf(yield* Effect.flip(recorder.finish(journal)), RecordNotWritten)
      assert.strictEqual(yield* fs.readFileString(file), "precious")
      assert.deepStrictEqual(yield* names, ["run.json", "run.jsonl"])
      yield* recorder.finish(journal, { overwrite: true })
      assert.deepStrictEqual(yield* names, ["run.json"])
      assert.propertyVal(yield* read(file), "status", "killed")
    }).pipe(live))

  it.live("fails with RecordNotRead for what is no journal", () =>
    Effect.gen(function*() {
      const { directory, file, journal, lines, names, put } = yield* killed
      yield* put(lines.slice(1))
      const recorder = yield* Recorder.Recorder
      for (const unreadable of [journal, file, `${directory}/none.jsonl`]) {
        assert.instanceOf(yield* Effect.flip(recorder.finish(unreadable)), RecordNotRead)
      }
      assert.deepStrictEqual(yield* names, ["run.jsonl"])
    }).pipe(live))
})

describe("Recorder.journalOf", () => {
  it("stands beside the record", () => {
    assert.strictEqual(Recorder.journalOf("results/lazy.json"), "results/lazy.jsonl")
  })
})

/** The first line of the journal of a run that was killed. */
const startOfKilled = {
  _tag: "Start",
  version: 1,
  pid: 2 ** 30,
  script: runRecord.script,
  startedAt: runRecord.startedAt,
  environment: runRecord.environment,
  parameters: runRecord.parameters
}

describe("Recorder.read, of a journal", () => {
  it.live("says what is wrong with its first line, and of no other where that is no start", () =>
    Effect.gen(function*() {
      const { journal } = yield* place
      const fs = yield* FileSystem.FileSystem
      const recorder = yield* Recorder.Recorder
      const submitted = JSON.stringify({ _tag: "Submitted", job: 0, submittedMs: 5 })
      const reasonOf = (text: string) =>
        Effect.andThen(fs.writeFileString(journal, text), Effect.flip(recorder.read(journal))).pipe(
          Effect.map(({ reason }) => reason)
        )
      const expected = "expected a first line that says what run it is of"
      assert.strictEqual(yield* reasonOf(`${submitted}\n\n`), expected)
      assert.strictEqual(yield* reasonOf(`\n${submitted}\n`), `${expected}: expected an event, got nothing`)
    }).pipe(live))

  it.live("tells the latest of all times, and the CPU time that was told last", () =>
    Effect.gen(function*() {
      const { journal } = yield* place
      const fs = yield* FileSystem.FileSystem
      const recorder = yield* Recorder.Recorder
      const settled = { _tag: "Settled", job: 1, status: "succeeded", resultBytes: 0 }
      const steps = [
        [startOfKilled, 0, 0],
        [{ _tag: "Submitted", job: 0, submittedMs: 5 }, 5, 0],
        [{ _tag: "Started", job: 0, workerId: 1, startedMs: 10 }, 10, 0],
        [{ _tag: "Sample", ...sample(0, 1), atMs: 20, cpuMs: 3 }, 20, 3],
        [{ ...settled, returnedMs: 30 }, 30, 3],
        [{ _tag: "Submitted", job: 1, submittedMs: 25 }, 30, 3],
        [{ _tag: "End", status: "completed", atMs: 40, cpuMs: 4 }, 40, 4]
      ] as const
      for (const [event, wallMs, cpuMs] of steps) {
        yield* fs.writeFileString(journal, `${JSON.stringify(event)}\n`, { flag: "a" })
        const { record } = yield* recorder.read(journal)
        assert.deepInclude("summary" in record && record.summary, { wallMs, cpuMs })
        assert.strictEqual(Date.parse(record.finishedAt) - Date.parse(record.startedAt), wallMs)
      }
    }).pipe(live))
})

describe("Recorder.follow", () => {
  it.live("tells what a journal adds up to each time that it has grown, to the end of its run", () =>
    Effect.gen(function*() {
      const { file, journal } = yield* place
      const recorder = yield* Recorder.Recorder
      const told: Array<Recorder.Followed> = []
      const samples: Array<number> = []
      const running = yield* Effect.forkChild(record(inline(Executor.run(abortable, Board.make())), { file }))
      yield* Effect.repeat(Effect.exit(recorder.read(journal)), { until: Exit.isSuccess })
      const following = yield* Effect.forkChild(
        Stream.runForEach(recorder.follow(journal, "1 millis"), (each) =>
          Effect.sync(() => {
            told.push(each)
            samples.push(each.record.memory.length)
          }))
      )
      yield* until(() => (told.at(-1)?.record.memory.length ?? 0) > 3)
      assert.isTrue(told.every(({ isRunning }) => isRunning))
      yield* Fiber.interrupt(running)
      yield* Fiber.join(following)
      assert.strictEqual(told.at(-1)!.isRunning, false)
      assert.deepStrictEqual(told.map(({ record }) => record.memory.length), samples, "none has changed since")
      assert.deepStrictEqual(told.at(-1)!.record, yield* read(file), "the journal is gone, and was read to its end")
    }).pipe(live))

  it.live("adds what is there already up anew once it has read as much again, not piece by piece", () =>
    Effect.gen(function*() {
      const { journal } = yield* place
      const fs = yield* FileSystem.FileSystem
      const recorder = yield* Recorder.Recorder
      const noted = `${JSON.stringify({ _tag: "Sample", ...sample(0, 1), cpuMs: 0 })}\n`
      const samples = Math.floor(2 ** 24 / noted.length) - 10
      yield* fs.writeFileString(journal, `${JSON.stringify(startOfKilled)}\n${noted.repeat(samples)}`)
      const told = yield* Stream.runCollect(recorder.follow(journal, "1 millis"))
      const quarters = told.map(({ record }) => Math.round(record.memory.length / samples * 4))
      assert.deepStrictEqual(quarters, [1, 2, 4, 4])
    }).pipe(live))

  it.live("refuses an interval that is none", () =>
    Effect.gen(function*() {
      const recorder = yield* Recorder.Recorder
      for (const interval of [Number.NaN, -1, "abc" as "1 second"]) {
        const error = yield* Effect.flip(Stream.runDrain(recorder.follow("no.jsonl", interval)))
        assert.instanceOf(error, ExecutorError.InvalidOptions)
        assert.include(error.message, "interval must be a duration of at least 0: received")
      }
    }).pipe(live))

  it.live("ends with what a killed run left, and fails for what is no journal", () =>
    Effect.gen(function*() {
      const { journal } = yield* place
      const fs = yield* FileSystem.FileSystem
      const recorder = yield* Recorder.Recorder
      yield* fs.writeFileString(journal, `${JSON.stringify(startOfKilled)}\n{"_tag":"Sub`)
      const last = yield* Stream.runLast(recorder.follow(journal, "1 millis"))
      assert.isTrue(last._tag === "Some" && !last.value.isRunning && last.value.record.status === "killed")
      assert.deepStrictEqual(last._tag === "Some" && last.value.damage.map(({ line }) => line), [2])

      yield* fs.writeFileString(journal, "no journal\n")
      const error = yield* Effect.flip(Stream.runDrain(recorder.follow(journal, "1 millis")))
      assert.instanceOf(error, RecordNotRead)
      assert.include(error.message, journal)
    }).pipe(live))
})
