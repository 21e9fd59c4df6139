import { Effect, type FileSystem } from "effect"
import { Recorder } from "../../lib/mod.ts"
import { forEachFile } from "../shared/reading.ts"
import { damageOf, oneLine } from "../shared/words.ts"
import { type Contents, digest, merge } from "./plots.ts"

/** Reads records one after the other, so that of no more than one everything is in memory. What is none is named. */
export const read = (
  files: ReadonlyArray<string>
): Effect.Effect<Contents, never, Recorder.Recorder | FileSystem.FileSystem> =>
  Effect.map(forEachFile(files, readOne), merge)

const readOne = (file: string, options: Recorder.ReadOptions) =>
  Recorder.Recorder.use((recorder) => recorder.read(file, options)).pipe(Effect.match({
    onFailure: ({ reason }) => unreadable(file, reason),
    onSuccess: ({ damage, record }): Contents => ({
      digests: "runs" in record ? record.runs.map((run) => digest(run)) : "cases" in record ? [] : [digest(record)],
      benchmarks: "cases" in record ? [record] : [],
      unreadable: damagesOf(file, damage)
    })
  }))

/** Nothing but what is wrong with a file. */
export const unreadable = (file: string, reason: string): Contents => ({
  digests: [],
  benchmarks: [],
  unreadable: [{ file, reason: oneLine(reason) }]
})

export const damagesOf = (file: string, damage: Recorder.Read["damage"]): Contents["unreadable"] =>
  damage.map((each) => ({ file, reason: damageOf(each) }))
