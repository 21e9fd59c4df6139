/** Where a script leaves its record. */
import { Effect, FileSystem, Option } from "effect"
import path from "node:path"
import { Recorder } from "../../lib/mod.ts"

/** Wherever the script is run from. */
export const resultFolder = path.join(import.meta.dirname, "..", "..", "results")

/** What `--out` and `--force` say, or else `results/lazy-2026-11-23T07-41-30.123Z.json`. */
export const placeOf = Effect.fnUntraced(function*(
  script: string,
  { force, out }: { readonly force: boolean; readonly out: Option.Option<string> }
): Effect.fn.Return<Recorder.Place, Recorder.RecordNotWritten, FileSystem.FileSystem> {
  if (Option.isSome(out)) return { file: out.value, overwrite: force }
  const fs = yield* FileSystem.FileSystem
  const file = path.join(resultFolder, `${script}-${new Date().toISOString().replaceAll(":", "-")}.json`)
  yield* fs.makeDirectory(resultFolder, { recursive: true }).pipe(
    Effect.mapError(({ message }) => new Recorder.RecordNotWritten({ file, reason: message }))
  )
  return { file, overwrite: force }
})
