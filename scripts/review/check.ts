/**
 * `review check`: whether records are as the published JSON Schema says, by a validator that is not ours, and their times
 * can be.
 */
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js"
import { Effect, FileSystem } from "effect"
import { Command } from "effect/cli"
import path from "node:path"
import { Recorder, type RunRecord } from "../../lib/mod.ts"
import { json } from "../shared/flags.ts"
import { Failed } from "../shared/main.ts"
import { resultFolder } from "../shared/place.ts"
import { forEachFile } from "../shared/reading.ts"
import { print, printable, printJson } from "../shared/terminal.ts"
import { oneLine } from "../shared/words.ts"
import { expand, paths } from "./files.ts"

export const check = Command.make(
  "check",
  { paths, json },
  Effect.fn("check")(function*({ json, paths }) {
    const validate = yield* validator
    const files = yield* expand(paths)
    const recorder = yield* Recorder.Recorder
    const checked = yield* forEachFile(files, (file, options) =>
      (file.endsWith(".jsonl")
        ? Effect.map(recorder.read(file, options), ({ damage }) => damage.map(problemOfLine))
        : Effect.map(recorder.readJson(file, options), validate)).pipe(
          Effect.catchTag("RecordNotRead", ({ reason }) => Effect.succeed([{ at: "", problem: oneLine(reason) }])),
          Effect.map((problems: ReadonlyArray<Problem>) => ({
            file,
            isValid: problems.every(({ isTorn }) => isTorn),
            problems
          }))
        ))
    const invalid = checked.filter(({ isValid }) => !isValid).length
    if (json) yield* printJson(checked)
    else {
      yield* Effect.forEach(checked.flatMap(linesOf), print)
      if (invalid === 0) yield* print(`${files.length} valid`)
    }
    if (invalid > 0) {
      return yield* Effect.fail(new Failed(`${invalid} of ${files.length} ${invalid === 1 ? "is" : "are"} not valid`))
    }
  })
).pipe(Command.withDescription("Check records against the JSON Schema in results/, and journals line by line"))

interface Problem {
  /** A JSON Pointer, or a line of a journal. */
  readonly at: string
  readonly problem: string
  /** Whether it is a journal's last line, as a kill can tear it. */
  readonly isTorn?: boolean
}

/** How many problems of one file are printed; `--json` tells all. */
const shown = 10

const linesOf = ({ file, problems }: { readonly file: string; readonly problems: ReadonlyArray<Problem> }) => [
  ...problems.slice(0, shown).map(({ at, problem }) => printable([file, at, problem].filter(Boolean).join(": "))),
  ...(problems.length > shown ? [printable(`${file}: and ${problems.length - shown} more`)] : [])
]

const problemOfLine = ({ isLast, line, problem }: Recorder.Read["damage"][number]): Problem => ({
  at: `line ${line}`,
  problem: oneLine(problem),
  isTorn: isLast
})

/** Judges a record as the kind that it looks like: what the other kinds would have is of no use. */
const validator = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const published = yield* fs.readFileString(path.join(resultFolder, "run-record.schema.json"))
  const ajv = new Ajv2020({ strict: false, strictNumbers: true, allErrors: true }).addSchema(
    JSON.parse(published),
    "record"
  )
  return (json: object): ReadonlyArray<Problem> => {
    const kind = "runs" in json ? "ComparisonRecord" : "cases" in json ? "BenchRecord" : "RunRecord"
    const validate = ajv.getSchema(`record#/$defs/${kind}`)!
    return validate(json) ? impossibleTimes(json as RunRecord.ResultFile) : validate.errors!.map(problemOf)
  }
})

/** What a schema cannot say: nothing comes before what it follows on, or is later than the end of its run. */
const impossibleTimes = (record: RunRecord.ResultFile, at = ""): ReadonlyArray<Problem> => {
  const problems: Array<Problem> = []
  const check = (isPossible: boolean, place: string, problem: string) => {
    if (!isPossible) problems.push({ at: `${at}/${place}`, problem })
  }
  check(record.startedAt <= record.finishedAt, "finishedAt", "must not be before startedAt")
  if ("runs" in record) {
    return [...problems, ...record.runs.flatMap((run, n) => impossibleTimes(run, `${at}/runs/${n}`))]
  }
  if (!("jobs" in record)) return problems
  const { wallMs } = record.summary
  const checkEnd = (place: string, ms = 0) => check(ms <= wallMs, place, `must not be after the run's end: ${wallMs}`)
  for (const [n, { returnedMs, startedMs, submittedMs }] of record.jobs.entries()) {
    const [before, ms] = startedMs === undefined ? ["submittedMs", submittedMs] : ["startedMs", startedMs]
    check(submittedMs <= ms, `jobs/${n}/startedMs`, "must not be before submittedMs")
    check(ms <= (returnedMs ?? Infinity), `jobs/${n}/returnedMs`, `must not be before ${before}`)
    checkEnd(`jobs/${n}/submittedMs`, submittedMs)
    checkEnd(`jobs/${n}/startedMs`, startedMs)
    checkEnd(`jobs/${n}/returnedMs`, returnedMs)
  }
  for (const [n, { atMs }] of record.memory.entries()) checkEnd(`memory/${n}/atMs`, atMs)
  return problems
}

const problemOf = ({ instancePath, message = "is not valid", params }: ErrorObject): Problem => {
  const allowed: unknown = params["allowedValues"]
  return { at: instancePath, problem: Array.isArray(allowed) ? `${message}: ${allowed.join(", ")}` : message }
}
