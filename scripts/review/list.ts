/** `review list`: the records in a folder, a row each. */
import { Effect, Option, Path, Result } from "effect"
import { Command, Flag } from "effect/cli"
import { Recorder, RunRecord } from "../../lib/mod.ts"
import * as figures from "../shared/figures.ts"
import { json, toggle } from "../shared/flags.ts"
import { forEachFile } from "../shared/reading.ts"
import { print, printJson } from "../shared/terminal.ts"
import { oneLine, parametersOf } from "../shared/words.ts"
import { filesIn, folder } from "./files.ts"

const wallOf = ({ finishedAt, startedAt, summary }: Outline) =>
  summary?.wallMs ?? Date.parse(finishedAt) - Date.parse(startedAt)

const sorts = {
  start: ({ startedAt }: Outline) => startedAt,
  script: ({ script }: Outline) => script,
  status: ({ status }: Outline) => status,
  wall: wallOf,
  peak: ({ summary }: Outline) => summary?.peakRssBytes ?? Number.NEGATIVE_INFINITY,
  slope: ({ summary }: Outline) => summary?.rssSlopeBytesPerJob ?? Number.NEGATIVE_INFINITY
}

const names = Object.keys(sorts) as Array<keyof typeof sorts>

export const list = Command.make(
  "list",
  {
    folder,
    sort: Flag.Literals("sort", names).pipe(
      Flag.withDescription("What the records are sorted by, least first (start)"),
      Flag.withDefault("start")
    ),
    reverse: toggle("reverse", "Sort the other way round"),
    script: Flag.String("script").pipe(Flag.withDescription("List the records of this script only"), Flag.optional),
    status: Flag.Literals("status", RunRecord.Status.literals).pipe(
      Flag.withDescription("List the records with this status only"),
      Flag.optional
    ),
    json
  },
  Effect.fn("list")(function*(input) {
    const path = yield* Path.Path
    const recorder = yield* Recorder.Recorder
    const read = yield* forEachFile(
      yield* filesIn(input.folder),
      (file, options) =>
        Effect.result(recorder.read(file, options)).pipe(Effect.map(Result.mapBoth({
          onSuccess: ({ record }): Outline => ({ file: path.basename(file), ...outline(record) }),
          onFailure: ({ reason }) => ({ file: path.basename(file), reason: oneLine(reason) })
        })))
    )

    const keyOf = sorts[input.sort]
    const all = read.flatMap((result) => Result.isSuccess(result) ? result.success : [])
    // The journal of a run that was finished stays beside its record where it is damaged.
    const finished = new Set(all.map(({ file, startedAt }) => `${Recorder.journalOf(file)} ${startedAt}`))
    const records = all
      .filter(({ file, startedAt }) => !finished.has(`${file} ${startedAt}`))
      .filter(({ script }) => Option.getOrElse(input.script, () => script) === script)
      .filter(({ status }) => Option.getOrElse(input.status, () => status) === status)
      .toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0)
    if (input.reverse) records.reverse()
    const isFiltered = Option.isSome(input.script) || Option.isSome(input.status)
    const broken = isFiltered ? [] : read.flatMap((result) => Result.isFailure(result) ? result.failure : [])

    if (input.json) return yield* printJson([...records, ...broken])
    const rows = records.map((record) => [
      record.file,
      record.script,
      record.startedAt,
      parametersOf(record),
      record.status,
      figures.seconds(wallOf(record)),
      record.summary === undefined ? "" : figures.megabytes(record.summary.peakRssBytes),
      record.summary === undefined ? "" : figures.megabytes(record.summary.rssSlopeBytesPerJob)
    ])
    const reasons = broken.map(({ file, reason }) => [file, { content: reason, colSpan: heads.length - 1 }])
    yield* print(figures.table(heads, [...rows, ...reasons]))
  })
).pipe(Command.withDescription("List the records in a folder, and the journals of runs without one"))

const heads = ["file", "script", "start", "parameters", "status", "wall", "peak", "slope per job"]

/** What is kept of a record while others are read. */
interface Outline extends Pick<RunRecord.ResultFile, "script" | "status" | "startedAt" | "finishedAt" | "parameters"> {
  readonly file: string
  /** Of one run. */
  readonly summary?: RunRecord.Summary
}

const outline = ({ finishedAt, parameters, script, startedAt, status, ...record }: RunRecord.ResultFile) => ({
  script,
  status,
  startedAt,
  finishedAt,
  parameters,
  ...("summary" in record && { summary: record.summary })
})
