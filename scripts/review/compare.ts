/** `review compare`: records side by side, and whether one got worse. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import path from "node:path"
import { Recorder, type RunRecord } from "../../lib/mod.ts"
import { table } from "../shared/figures.ts"
import { json } from "../shared/flags.ts"
import { Failed, UsageError } from "../shared/main.ts"
import { forEachFile } from "../shared/reading.ts"
import { print, printable, printJson } from "../shared/terminal.ts"
import * as changes from "./changes.ts"
import { file } from "./files.ts"

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const failAbove = Flag.String("fail-above").pipe(
  Flag.withMetavar("percentage"),
  Flag.filter((text) => /^\d+(\.\d+)?%$/.test(text), () => "a percentage such as 10%"),
  Flag.withDescription("Exit with 1 if a figure is worse than A's by more than this, or a run did not complete"),
  Flag.optional
)

export const compare = Command.make(
  "compare",
  { files: file.pipe(Argument.between(2, letters.length)), "fail-above": failAbove, json },
  Effect.fn("compare")(function*({ "fail-above": limit, files, json }) {
    const recorder = yield* Recorder.Recorder
    const records = yield* forEachFile(
      files,
      (file, options) => Effect.map(recorder.read(file, options), ({ record }) => record)
    )
    const kinds = records.map(kindOf)
    const other = kinds.findIndex((kind) => kind !== kinds[0])
    if (other > 0) {
      return yield* Effect.fail(
        new UsageError(
          `Expected records of one kind: ${files[0]} is of ${kinds[0]}, and ${files[other]} is of ${kinds[other]}`
        )
      )
    }

    const differences = differencesOf(records)
    const rows = rowsOf(records)
    if (Option.isSome(limit) && rows.some(({ cells }) => cells.some(({ canTell }) => canTell === false))) {
      return yield* Effect.fail(new UsageError("--fail-above: expected at least 5 rounds in each, to tell a change"))
    }
    const worse = Option.match(limit, { onNone: () => [], onSome: (limit) => worseThan(limit, records, rows) })
    if (json) {
      yield* printJson({
        records: records.map(({ script, startedAt, status }, n) => ({ file: files[n], script, startedAt, status })),
        differences,
        figures: rows,
        worse
      })
    } else {
      const heads = records.map((_, n) => letters[n]!)
      yield* print([
        ...records.map(({ script, startedAt, status }, n) =>
          printable(`${letters[n]} ${path.basename(files[n]!)}: ${script}, ${startedAt}, ${status}`)
        ),
        ...(differences.length === 0 ? [] : [
          "These differ, and with them what is measured:",
          table(
            ["", ...heads],
            differences.map(({ name, values }) => [name, ...values.map((value) => `${value ?? ""}`)])
          )
        ]),
        ...[...Map.groupBy(rows, ({ of }) => of)].map(([of, rows]) =>
          table(
            [of, ...heads],
            rows.map(({ cells, figure }) => [
              figure,
              ...cells.map(({ change, shown }) => change === "" ? shown : `${shown}  ${change}`)
            ])
          )
        )
      ].join("\n"))
    }
    if (worse.length > 0) return yield* Effect.fail(new Failed(worse.join("\n")))
  })
).pipe(Command.withDescription("Show records side by side, with what changed since the first"))

const kindOf = (record: RunRecord.ResultFile) =>
  "runs" in record ? "several runs" : "cases" in record ? "a benchmark" : "a run"

/** What was asked for, and where it ran, as far as it is not the same in all records. */
const differencesOf = (records: ReadonlyArray<RunRecord.ResultFile>) =>
  ([
    ["script", records.map(({ script }) => ({ "": script }))],
    ["parameter", records.map(({ parameters }) => parameters)],
    ["environment", records.map(({ environment }) => ({ ...environment }))]
  ] as const).flatMap(([what, facts]) =>
    [...new Set(facts.flatMap(Object.keys))]
      .map((name) => ({
        name: `${what} ${name}`.trimEnd(),
        values: facts.map((each: Record<string, unknown>) => Object.hasOwn(each, name) ? each[name] : null)
      }))
      .filter(({ values }) => new Set(values).size > 1)
  )

const rowsOf = (records: ReadonlyArray<RunRecord.ResultFile>): Array<changes.Row> => {
  const runs = records.map((record) => "runs" in record ? record.runs : "cases" in record ? [] : [record])
  const cases = records.map((record) => "cases" in record ? record.cases : [])
  // A record of one run is compared with another whatever their scripts are.
  if (!records.some((record) => "runs" in record || "cases" in record)) {
    const scripts = namesIn(records.map(({ script }) => script)).join(", ")
    return changes.ofRuns(scripts, runs.map(([run]) => run))
  }
  return [
    ...namesIn(runs.flat().map(({ script }) => script)).flatMap((name) =>
      changes.ofRuns(name, runs.map((each) => each.find(({ script }) => script === name)))
    ),
    ...namesIn(cases.flat().map(({ name }) => name)).flatMap((name) =>
      changes.ofCases(cases.map((each) => each.find((one) => one.name === name)))
    )
  ]
}

const namesIn = (names: ReadonlyArray<string>) => [...new Set(names)]

/** Each run of several that did not complete, or the record itself where that is more than they tell. */
const notCompleted = (record: RunRecord.ResultFile) => {
  const runs = "runs" in record ? record.runs.filter(isNotCompleted) : []
  return (runs.length > 0 ? runs : [record].filter(isNotCompleted)).map(({ script, status }) =>
    `${script} is not completed but ${status}`
  )
}

const isNotCompleted = ({ status }: Pick<RunRecord.ResultFile, "status">) => status !== "completed"

/** What makes the gate shut: nothing is worse than a figure that is not there. */
const worseThan = (
  limit: string,
  records: ReadonlyArray<RunRecord.ResultFile>,
  rows: ReadonlyArray<changes.Row>
): Array<string> => [
  ...records.flatMap((record, n) => notCompleted(record).map((what) => `${letters[n]}: ${what}`)),
  ...rows.flatMap(({ cells: [first, ...others], figure, of }) =>
    others.flatMap(({ shown, value, worse = 0 }, n) => {
      const letter = letters[n + 1]
      if (first?.value !== undefined && value === undefined) return [`${of}: ${figure} is missing in ${letter}`]
      if (!(worse > Number.parseFloat(limit) / 100)) return []
      return [`${of}: ${figure} is worse in ${letter} by more than ${limit}: ${first!.shown} before, ${shown} now`]
    })
  )
]
