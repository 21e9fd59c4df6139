/** The records that a command line names. */
import { Effect, FileSystem, Path } from "effect"
import { Argument } from "effect/cli"
import { strictPath } from "../shared/flags.ts"
import { resultFolder } from "../shared/place.ts"

/** A record, or the journal of a run without one. */
export const file = Argument.File("file", { mustExist: true }).pipe(
  strictPath,
  Argument.withDescription("A record, or the journal of a run without one")
)

/** A folder of records. */
export const folder = Argument.Directory("folder", { mustExist: true }).pipe(
  strictPath,
  Argument.withDescription("Where the records are (results)"),
  Argument.withDefault(resultFolder)
)

/** Files and folders, of which `expand` makes files. */
export const paths = Argument.Path("path", { mustExist: true }).pipe(
  strictPath,
  Argument.withDescription("Records, journals, or folders of them (results)"),
  Argument.variadic()
)

/** The records and journals in a folder, by their names; none where `results/` is not there yet. */
export const filesIn = Effect.fnUntraced(function*(folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (folder === resultFolder && !(yield* fs.exists(folder))) return []
  const names = yield* fs.readDirectory(folder)
  return names.filter((name) => /(?<!\.schema)\.jsonl?$/.test(name)).toSorted().map((name) => path.join(folder, name))
})

/** The files among `named`, and those in its folders, each once; where nothing is named, those in `results/`. */
export const expand = Effect.fnUntraced(function*(named: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  if (named.length === 0) return yield* filesIn(resultFolder)
  const files = yield* Effect.forEach(
    named,
    (name) => Effect.flatMap(fs.stat(name), ({ type }) => type === "Directory" ? filesIn(name) : Effect.succeed([name]))
  )
  return [...new Set(files.flat())]
})
