#!/usr/bin/env -S npx tsx
/**
 * Looks at the records that the other scripts leave.
 *
 *     npx tsx scripts/review.ts list
 *     npx tsx scripts/review.ts show results/lazy-2026-11-23T07-41-30.123Z.json
 *     npx tsx scripts/review.ts finish results/lazy-2026-11-23T07-41-30.123Z.jsonl
 */
import "./shared/require-node.js"
import { Console, Effect, FileSystem, Path, Result } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Recorder, type RunRecord } from "../lib/mod.ts"
import * as benchFigures from "./shared/bench-figures.ts"
import * as figures from "./shared/figures.ts"
import { main, UsageError } from "./shared/main.ts"
import { resultFolder } from "./shared/place.ts"

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON on standard output, and nothing else"),
  Flag.withDefault(false)
)

const folder = Argument.Directory("folder", { mustExist: true }).pipe(
  Argument.withDescription("Where the records are (results)"),
  Argument.withDefault(resultFolder)
)

const file = Argument.File("file", { mustExist: true }).pipe(
  Argument.withDescription("A record, or the journal of a run without one")
)

const list = Command.make(
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

const show = Command.make(
  "show",
  { file, json },
  Effect.fn("show")(function*(input) {
    const { damage, record } = yield* (yield* Recorder.Recorder).read(input.file)
    if (input.json) return yield* Console.log(JSON.stringify(record, null, 2))
    const { environment, finishedAt, script, startedAt, status } = record
    yield* Console.log(
      [
        `${script} ${status}, ${startedAt} to ${finishedAt}`,
        parametersOf(record),
        Object.entries(environment).map(([name, value]) => `${name} ${value}`).join(", "),
        tableOf(record),
        ...damage.map(({ line, problem }) => `line ${line} cannot be read: ${problem}`)
      ].join("\n")
    )
  })
).pipe(Command.withDescription("Show one record"))

const finish = Command.make(
  "finish",
  { file },
  Effect.fn("finish")(function*({ file }) {
    const finished = yield* (yield* Recorder.Recorder).finish(file).pipe(
      Effect.catchTag("RecordNotWritten", ({ message }) => Effect.fail(new UsageError(message)))
    )
    for (const { line, problem } of finished.damage) yield* Console.error(`line ${line} cannot be read: ${problem}`)
    yield* Console.log(finished.file)
  })
).pipe(Command.withDescription("Make a record of the journal that a killed run left"))

const outline = ({ parameters, script, startedAt, status, ...record }: RunRecord.ResultFile) => ({
  script,
  status,
  startedAt,
  parameters,
  ...("summary" in record && { summary: record.summary })
})

const parametersOf = ({ parameters }: RunRecord.ResultFile) =>
  Object.entries(parameters).map(([name, value]) => `${name} ${value}`).join(", ")

const figuresOf = (record: RunRecord.ResultFile) => {
  if ("runs" in record) return [`${record.runs.length} runs`]
  return "cases" in record ? [`${record.cases.length} cases`] : figures.cells(record)
}

const tableOf = (record: RunRecord.ResultFile) => {
  if ("runs" in record) return figures.comparison(record.runs)
  if ("cases" in record) return record.cases.map(benchFigures.show).join("\n")
  return figures.table(figures.heads, [figures.cells(record)])
}

export const command = Command.make("review").pipe(
  Command.withDescription("Look at the records of runs"),
  Command.withSubcommands([list, show, finish])
)

if (import.meta.main) main(command)
