/** `review show`: one record. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { Recorder, type RunRecord } from "../../lib/mod.ts"
import * as benchFigures from "../shared/bench-figures.ts"
import * as figures from "../shared/figures.ts"
import { json } from "../shared/flags.ts"
import { forEachFile } from "../shared/reading.ts"
import { columns, print, printable, printJson } from "../shared/terminal.ts"
import { damageOf, parametersOf } from "../shared/words.ts"
import { file } from "./files.ts"
import { timeline } from "./timeline.ts"

export const show = Command.make(
  "show",
  { file, json },
  Effect.fn("show")(function*(input) {
    const recorder = yield* Recorder.Recorder
    const [read] = yield* forEachFile([input.file], recorder.read)
    const { damage, record } = read!
    if (input.json) return yield* printJson(record)
    const { environment, finishedAt, script, startedAt, status } = record
    const about = [
      `${script} ${status}, ${startedAt} to ${finishedAt}`,
      parametersOf(record),
      Object.entries(environment).map(([name, value]) => `${name} ${value}`).join(", ")
    ]
    yield* print([...about.map(printable), ...drawn(record), ...damage.map(damageOf).map(printable)].join("\n"))
  })
).pipe(Command.withDescription("Show one record: its figures, its memory over time, and who ran what when"))

const drawn = (record: RunRecord.ResultFile) => {
  if ("cases" in record) return record.cases.map(benchFigures.show)
  if (!("runs" in record)) {
    return [figures.table(figures.heads, [figures.cells(record)]), ...timeline(record, columns())]
  }
  return [
    figures.comparison(record.runs),
    ...record.runs.flatMap((run) => ["", printable(`${run.script} ${run.status}`), ...timeline(run, columns())])
  ]
}
