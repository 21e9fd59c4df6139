/** What is true of every record, and of the log that goes with it. */
import { assert } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Effect, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { RunRecord } from "../../../lib/mod.ts"
import { read, root } from "./script.ts"

const schemaFile = path.join(root, "results", "run-record.schema.json")

const schema = existsSync(schemaFile)
  ? new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(schemaFile, "utf8")) as object)
  : undefined

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(RunRecord.RunRecord))
const decodeComparison = Schema.decodeUnknownEffect(Schema.fromJsonString(RunRecord.ComparisonRecord))

/** Reads the record of a run, which has to be as the record's schemas say. */
export const readRecord = Effect.fnUntraced(function*(file: string) {
  const text = yield* read(file)
  assertValid(text)
  const record = yield* decode(text)
  assertConsistent(record)
  return record
})

/** Reads the record of several runs, each of which has to be valid as well. */
export const readComparison = Effect.fnUntraced(function*(file: string) {
  const text = yield* read(file)
  assertValid(text)
  const record = yield* decodeComparison(text)
  record.runs.forEach(assertConsistent)
  return record
})

const assertValid = (text: string) => {
  if (schema === undefined) return
  assert.isTrue(schema(JSON.parse(text)), JSON.stringify(schema.errors))
}

/** What holds whatever became of the run. */
const assertConsistent = (record: RunRecord.RunRecord) => {
  const { jobs, memory, summary } = record
  assert.deepStrictEqual(RunRecord.summarize({ ...record, ...summary }), summary)
  assert.strictEqual(Date.parse(record.finishedAt) - Date.parse(record.startedAt), Math.floor(summary.wallMs))
  for (const job of jobs) {
    if (job.startedMs !== undefined) assert.isAtLeast(job.startedMs, job.submittedMs)
    if (job.returnedMs !== undefined) assert.isAtLeast(job.returnedMs, job.startedMs ?? job.submittedMs)
    assert.isAtMost(job.returnedMs ?? 0, summary.wallMs)
  }
  for (const [before, after] of pairs(memory)) {
    assert.isAtLeast(after.finishedJobs, before.finishedJobs)
    assert.isAtLeast(after.atMs, before.atMs)
    assert.isAtLeast(after.maxRssBytes, before.maxRssBytes)
  }
  for (const ofOneWorker of Map.groupBy(jobs, ({ workerId }) => workerId).values()) {
    const ran = ofOneWorker.filter(({ startedMs }) => startedMs !== undefined)
    for (const [before, after] of pairs(ran.toSorted((a, b) => a.startedMs! - b.startedMs!))) {
      assert.isAtLeast(after.startedMs!, before.returnedMs!, "a worker runs one job at a time")
    }
  }
}

/** Each item with the one that follows it. */
export const pairs = <A>(items: ReadonlyArray<A>): Array<readonly [A, A]> =>
  items.slice(1).map((item, index) => [items[index]!, item])

const logLine =
  /^(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}): (?:worker (?<job>\d+) (?<what>.+)|Memory usage (?<bytes>\d+))$/

/** Reads a log, every line of which has to be one of the known experiment's. */
export const readLog = (text: string) => {
  assert.isTrue(text.endsWith("\n"))
  const lines = text.slice(0, -1).split("\n").map((line) => {
    const groups = logLine.exec(line)?.groups
    if (groups === undefined) assert.fail(`not a line of the log: ${JSON.stringify(line)}`)
    return { time: groups["time"]!, job: Number(groups["job"]), what: groups["what"], bytes: groups["bytes"] }
  })
  return {
    times: lines.map(({ time }) => time),
    jobs: (what: string) => lines.flatMap((line) => line.what === what ? line.job : []),
    memory: lines.flatMap(({ bytes }) => bytes === undefined ? [] : Number(bytes)),
    /** The most jobs that had started and not ended at the same time. */
    mostAtOnce: () => {
      let running = 0
      return lines.reduce((most, { what }) => {
        if (what !== undefined) running += what === "started" ? 1 : -1
        return Math.max(most, running)
      }, 0)
    }
  }
}
