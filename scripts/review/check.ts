/** `review check`: whether records are as the published JSON Schema says, by a validator that is not ours. */
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js"
import { Effect, FileSystem } from "effect"
import { Command } from "effect/cli"
import path from "node:path"
import { Recorder } from "../../lib/mod.ts"
import { json } from "../shared/flags.ts"
import { Failed } from "../shared/main.ts"
import { resultFolder } from "../shared/place.ts"
import { print, printable, printJson } from "../shared/terminal.ts"
import { expand, paths } from "./files.ts"
import { oneLine } from "./words.ts"

export const check = Command.make(
  "check",
  { paths, json },
  Effect.fn("check")(function*({ json, paths }) {
    const validate = yield* validator
    const files = yield* expand(paths)
    let invalid = 0
    const checked = yield* Effect.forEach(files, (file) =>
      Effect.gen(function*() {
        const problems: ReadonlyArray<Problem> = yield* file.endsWith(".jsonl")
          ? damageIn(file)
          : problemsIn(file, validate)
        const isValid = problems.every(({ isTorn }) => isTorn)
        if (!isValid) invalid++
        if (!json) yield* Effect.forEach(lines(file, problems), print)
        return { file, isValid, problems }
      }))
    if (json) yield* printJson(checked)
    else if (invalid === 0) yield* print(`${files.length} valid`)
    if (invalid > 0) return yield* Effect.fail(new Failed(`${invalid} of ${files.length} are not valid`))
  })
).pipe(Command.withDescription("Check records against the JSON Schema in results/, and journals line by line"))

interface Problem {
  /** A JSON Pointer, or a line of a journal. */
  readonly at: string
  readonly problem: string
  /** Whether it is a journal's last line, as a kill can tear it. */
  readonly isTorn?: boolean
}

const shown = 10

const lines = (file: string, problems: ReadonlyArray<Problem>) => [
  ...problems.slice(0, shown).map(({ at, problem }) => printable([file, at, problem].filter(Boolean).join(": "))),
  ...(problems.length > shown ? [printable(`${file}: and ${problems.length - shown} more`)] : [])
]

const damageIn = (file: string) =>
  Recorder.Recorder.use((recorder) => recorder.read(file)).pipe(Effect.match({
    onSuccess: ({ damage }) =>
      damage.map(({ isLast, line, problem }) => ({ at: `line ${line}`, problem: oneLine(problem), isTorn: isLast })),
    onFailure: ({ reason }) => [{ at: "", problem: oneLine(reason) }]
  }))

const problemsIn = (file: string, validate: (json: object) => ReadonlyArray<Problem>) =>
  Recorder.Recorder.use((recorder) => recorder.readJson(file)).pipe(Effect.match({
    onSuccess: validate,
    onFailure: ({ reason }) => [{ at: "", problem: oneLine(reason) }]
  }))

/** Judges a record as the kind that it looks like: what the other kinds would have is of no use. */
const validator = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const published = yield* fs.readFileString(path.join(resultFolder, "run-record.schema.json"))
  const ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema(JSON.parse(published), "record")
  return (json: object): ReadonlyArray<Problem> => {
    const kind = "runs" in json ? "ComparisonRecord" : "cases" in json ? "BenchRecord" : "RunRecord"
    const validate = ajv.getSchema(`record#/$defs/${kind}`)!
    return validate(json) ? [] : validate.errors!.map(problemOf)
  }
})

const problemOf = ({ instancePath, message = "is not valid", params }: ErrorObject): Problem => {
  const allowed: unknown = params["allowedValues"]
  return { at: instancePath, problem: Array.isArray(allowed) ? `${message}: ${allowed.join(", ")}` : message }
}
