/** `review list`: the records in a folder, a row each. */
import { Console, Effect, FileSystem, Path, Result } from "effect"
import { Argument, Command } from "effect/cli"
import { Recorder, type RunRecord } from "../../lib/mod.ts"
import * as figures from "../shared/figures.ts"
import { resultFolder } from "../shared/place.ts"
import { json } from "./inputs.ts"
import { parametersOf } from "./parameters.ts"

const folder = Argument.Directory("folder", { mustExist: true }).pipe(
  Argument.withDescription("Where the records are (results)"),
  Argument.withDefault(resultFolder)
)

export const list = Command.make(
  "list",
  { folder, json },
  Effect.fn("list")(function*(input) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const recorder = yield* Recorder.Recorder
    const names = input.folder === resultFolder && !(yield* fs.exists(resultFolder))
      ? []
      : yield* fs.readDirectory(input.folder)
    const files = names.filter((name) => /(?<!\.schema)\.jsonl?$/.test(name)).toSorted()
    const read = yield* Effect.forEach(files, (name) => Effect.result(recorder.read(path.join(input.folder, name))))
    const records = read.map((result) => Result.isSuccess(result) ? result.success.record : result.failure)

    if (input.json) {
      const rows = records.map((record, n) => ({
        file: files[n],
        ...("reason" in record ? { reason: record.reason } : outline(record))
      }))
      return yield* Console.log(JSON.stringify(rows, null, 2))
    }
    const rows = records.map((record, n) => [
      files[n]!,
      ...("reason" in record ? [record.reason] : [record.status, parametersOf(record), ...figuresOf(record)])
    ])
    yield* Console.log(figures.table(["file", "status", "parameters", ...figures.heads], rows))
  })
).pipe(Command.withDescription("List the records in a folder, and the journals of runs without one"))

const outline = ({ parameters, script, startedAt, status, ...record }: RunRecord.ResultFile) => ({
  script,
  status,
  startedAt,
  parameters,
  ...("summary" in record && { summary: record.summary })
})

const figuresOf = (record: RunRecord.ResultFile) => {
  if ("runs" in record) return [`${record.runs.length} runs`]
  return "cases" in record ? [`${record.cases.length} cases`] : figures.cells(record)
}
