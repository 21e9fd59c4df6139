/** Where a script leaves its record, and how that begins. */
import { Effect, FileSystem, Option } from "effect"
import path from "node:path"
import { Recorder, type RunRecord } from "../../lib/mod.ts"

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

/**
 * Begins a run that writes its record itself; returns what stands at the head of that if the run ends now. How long it took
 * is told by a clock that nobody sets.
 */
export const begin = Effect.fnUntraced(function*(script: string, parameters: RunRecord.Parameters) {
  const { environment } = yield* Recorder.Recorder
  const start = Date.now()
  const begun = performance.now()
  return (status: RunRecord.Status) => ({
    version: 1 as const,
    script,
    status,
    startedAt: new Date(start).toISOString(),
    finishedAt: new Date(start + performance.now() - begun).toISOString(),
    environment,
    parameters
  })
})
