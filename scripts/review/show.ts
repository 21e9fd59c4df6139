/** `review show`: one record. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Recorder, type RunRecord } from "../../lib/mod.ts"
import * as figures from "../shared/figures.ts"
import { file, json } from "./inputs.ts"
import { parametersOf } from "./parameters.ts"

export const show = Command.make(
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

const tableOf = (record: RunRecord.ResultFile) => {
  if ("runs" in record) return figures.comparison(record.runs)
  if ("cases" in record) return record.cases.map(figures.benchmark).join("\n")
  return figures.table(figures.heads, [figures.cells(record)])
}
