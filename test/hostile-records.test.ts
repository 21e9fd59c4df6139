import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Schema, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import fs from "node:fs/promises"
import path from "node:path"
import { Recorder, RunRecord } from "../lib/mod.ts"
import { folder } from "./scripts/shared/script.ts"
import * as hostile from "./shared/hostileRecords.ts"
import { runRecord } from "./shared/records.ts"

const { RecordNotRead } = Recorder
const live = Effect.provide(Layer.provideMerge(Recorder.Recorder.layer, NodeServices.layer))

const read = Effect.fnUntraced(function*(name: string, content: string | Uint8Array) {
  const file = path.join(yield* folder, name)
  yield* Effect.promise(() => fs.writeFile(file, content))
  const recorder = yield* Recorder.Recorder
  return { file, exit: yield* Effect.exit(recorder.read(file)) }
})

/** What a reader of the file is told; it names the file. */
const problemIn = Effect.fnUntraced(function*(name: string, content: string | Uint8Array) {
  const { exit, file } = yield* read(name, content)
  const error = exit._tag === "Failure" ? Exit.findErrorOption(exit) : assert.fail(`${name} was read`)
  if (error._tag === "None") return assert.fail(`${name}: ${String(exit)}`)
  assert.instanceOf(error.value, RecordNotRead)
  assert.include(error.value.message, `${file} cannot be read: `)
  assert.isBelow(error.value.message.length, 1000)
  return error.value.reason
})

describe("Recorder.read, of a hostile record", () => {
  for (const [what, { content, says }] of Object.entries(hostile.records)) {
    it.live(`refuses ${what}`, () =>
      Effect.gen(function*() {
        assert.match(yield* problemIn("hostile.json", content), says)
      }).pipe(live))
  }

  it.live("refuses what is no file, without waiting for what it might say", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const recorder = yield* Recorder.Recorder
      for (const name of ["fifo.json", "fifo.jsonl"]) {
        const fifo = path.join(directory, name)
        execFileSync("mkfifo", [fifo])
        for (const reading of [recorder.read(fifo), Stream.runDrain(recorder.follow(fifo, 1))]) {
          assert.include((yield* Effect.flip(reading)).message, `${fifo} cannot be read: expected a file, got a FIFO`)
        }
      }
      const missing = path.join(directory, "none.json")
      for (const [unreadable, why] of [[directory, "got a Directory"], [missing, "no such file"]] as const) {
        const error = yield* Effect.flip(recorder.read(unreadable))
        assert.instanceOf(error, RecordNotRead)
        assert.match(error.message, new RegExp(`^${unreadable} cannot be read: .*${why}`))
      }
    }).pipe(live))

  // Even the superuser cannot read the memory of a process from its beginning.
  it.live.skipIf(!existsSync("/proc/self/mem"))("says why a file cannot be read", () =>
    Effect.gen(function*() {
      const file = path.join(yield* folder, "unreadable.json")
      yield* Effect.promise(() => fs.symlink("/proc/self/mem", file))
      const recorder = yield* Recorder.Recorder
      assert.match((yield* Effect.flip(recorder.read(file))).message, /unreadable\.json cannot be read: E[A-Z]+/)
    }).pipe(live))

  for (const name of ["nothing.json", "nothing.jsonl"]) {
    it.live(`refuses a gigabyte of nothing within little memory: ${name}`, () =>
      Effect.gen(function*() {
        const file = path.join(yield* folder, name)
        yield* Effect.promise(async () => {
          await fs.writeFile(file, "")
          await fs.truncate(file, 2 ** 30)
        })
        const before = process.resourceUsage().maxRSS
        const recorder = yield* Recorder.Recorder
        assert.include((yield* Effect.flip(recorder.read(file))).message, `${file} cannot be read: expected `)
        assert.isBelow((process.resourceUsage().maxRSS - before) * 1024, 300e6)
      }).pipe(live))
  }

  it.live("takes names that mean something to JavaScript for names", () =>
    Effect.gen(function*() {
      const text = JSON.stringify({ ...runRecord, parameters: { workers: 1, constructor: "c", toString: "t" } })
        .replace(`"constructor"`, `"__proto__":{"polluted":true},"constructor"`)
      const reason = yield* problemIn("prototype.json", text)
      assert.include(reason, "__proto__")
      const { exit } = yield* read("names.json", text.replace(`{"polluted":true}`, `"x"`))
      assert.isTrue(Exit.isSuccess(exit))
      assert.notProperty({}, "polluted")
    }).pipe(live))

  it.live("takes the mark that some editors begin a file with", () =>
    Effect.gen(function*() {
      const { exit } = yield* read("marked.json", `\uFEFF${JSON.stringify(runRecord)}`)
      assert.deepStrictEqual(exit, Exit.succeed({ record: runRecord, damage: [] }))
    }).pipe(live))

  it.live("leaves out what it does not know, however deep", () =>
    Effect.gen(function*() {
      const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
      const { exit } = yield* read("extra.json", JSON.stringify(runRecord).replace("{", `{"extra":${deep},`))
      assert.deepStrictEqual(exit, Exit.succeed({ record: runRecord, damage: [] }))
    }).pipe(live))
})

describe("Recorder.read, of a hostile journal", () => {
  const { start, submitted } = hostile.journalLines

  const readLines = Effect.fnUntraced(function*(...lines: ReadonlyArray<string | Uint8Array>) {
    const { exit } = yield* read(
      "hostile.jsonl",
      Buffer.concat(lines.map((line) => Buffer.concat([Buffer.from(line), newline])))
    )
    if (exit._tag === "Failure") return assert.fail(String(exit.cause))
    assert.isTrue(Exit.isSuccess(Schema.decodeExit(RunRecord.ResultFile)(exit.value.record)))
    const { damage, record } = exit.value
    return {
      damaged: damage.map(({ line }) => line),
      damage,
      jobs: "jobs" in record ? record.jobs.map(({ job }) => job) : []
    }
  })

  const newline = Buffer.from("\n")

  it.live("loses nothing that can be read, whatever stands between", () =>
    Effect.gen(function*() {
      const { damaged, jobs } = yield* readLines(
        start,
        submitted(0),
        "",
        Uint8Array.of(0xff, 0xfe),
        submitted(1),
        `{"_tag":"Submitted","job":"${"x".repeat(2 ** 25)}"}`,
        "[".repeat(100_000),
        `{"_tag":"Nonsense"}`,
        `{"_tag":"Submitted","job":-1,"submittedMs":0}`,
        `{"_tag":"End","status":"completed","atMs":0,"cpuMs":-1}`,
        submitted(2)
      )
      assert.deepStrictEqual(jobs, [0, 1, 2])
      assert.deepStrictEqual(damaged, [3, 4, 6, 7, 8, 9, 10])
    }).pipe(live))

  it.live("takes no other bytes for text, and lines of up to 16 MiB, which come in pieces", () =>
    Effect.gen(function*() {
      const { damage, jobs } = yield* readLines(
        start,
        Buffer.from(`{"_tag":"Settled","job":0,"status":"failed","resultBytes":0,"error":"\xFF"}`, "latin1"),
        submitted(1).padStart(2 ** 24),
        submitted(2).padStart(2 ** 24 + 1)
      )
      assert.deepStrictEqual(jobs, [1])
      assert.deepStrictEqual(damage, [
        { line: 2, problem: "expected UTF-8", isLast: false },
        { line: 4, problem: "expected at most 16777216 bytes, got 16777217", isLast: false }
      ])
    }).pipe(live))

  it.live("tells of a thousand damaged lines one by one, and counts the rest", () =>
    Effect.gen(function*() {
      const { damage, jobs } = yield* readLines(start, "\n".repeat(100_000), submitted(3))
      assert.lengthOf(damage, 1001)
      assert.include(damage.at(-1)!.problem, "99001")
      assert.isFalse(damage.at(-1)!.isLast)
      assert.deepStrictEqual(jobs, [3])
    }).pipe(live))

  it.live("keeps to the run that comes first", () =>
    Effect.gen(function*() {
      const { damaged, jobs } = yield* readLines(start, submitted(0), start, submitted(1))
      assert.deepStrictEqual(jobs, [0])
      assert.deepStrictEqual(damaged, [3, 4])
    }).pipe(live))

  it.live("refuses one of a newer version", () =>
    Effect.gen(function*() {
      const newer = start.replace(`"version":1`, `"version":2`)
      assert.match(yield* problemIn("newer.jsonl", `${newer}\n`), hostile.records["a newer version"]!.says)
    }).pipe(live))

  it.live("refuses a number that is no process's, and a name that is none", () =>
    Effect.gen(function*() {
      for (const pid of [0, -1, 1.5]) {
        const reason = yield* problemIn("hostile.jsonl", `${start.replace(/"pid":\d+/, `"pid":${pid}`)}\n`)
        assert.match(reason, /expected a first line that says what run it is of: .*"pid"/su)
      }
      const reason = yield* problemIn("hostile.jsonl", `${start.replace(`"script":"lazy"`, `"script":""`)}\n`)
      assert.match(reason, /expected a first line that says what run it is of: .*"script"/su)
    }).pipe(live))

  it.live("takes any number for a job's, in the order of the numbers", () =>
    Effect.gen(function*() {
      const { jobs } = yield* readLines(
        start,
        submitted(Number.MAX_SAFE_INTEGER),
        submitted(4_294_967_294),
        submitted(0)
      )
      assert.deepStrictEqual(jobs, [0, 4_294_967_294, Number.MAX_SAFE_INTEGER])
    }).pipe(live))

  it.live("tells of a job of which there is only its beginning, or its end before that", () =>
    Effect.gen(function*() {
      const first = `{"_tag":"Started","job":0,"workerId":2,"startedMs":5}`
      const second = first.replace(`"job":0`, `"job":1`)
      const settled = `{"_tag":"Settled","job":1,"status":"failed","workerId":2,"returnedMs":7,"resultBytes":9}`
      const { exit } = yield* read("hostile.jsonl", [start, first, settled, second, ""].join("\n"))
      assert(Exit.isSuccess(exit) && "jobs" in exit.value.record)
      assert.deepStrictEqual(exit.value.record.jobs, [
        { job: 0, status: "killed", submittedMs: 0, resultBytes: 0, workerId: 2, startedMs: 5 },
        { job: 1, status: "failed", submittedMs: 0, resultBytes: 9, workerId: 2, startedMs: 5, returnedMs: 7 }
      ])
    }).pipe(live))

  it.live("puts up with a time after the end of all times", () =>
    Effect.gen(function*() {
      const { jobs } = yield* readLines(start, submitted(0, 1e300))
      assert.deepStrictEqual(jobs, [0])
    }).pipe(live))

  it.live("refuses events that add up to no figures", () =>
    Effect.gen(function*() {
      const settled = [0, 1, 2].map((job) =>
        `{"_tag":"Settled","job":${job},"status":"succeeded","resultBytes":1,"returnedMs":1,"cpuMs":1e308}`
      )
      const lines = [start, ...settled, ""]
      assert.include(yield* problemIn("hostile.jsonl", lines.join("\n")), "parallelEfficiency")
    }).pipe(live))
})
