import { Effect } from "effect"
import { Recorder } from "../../lib/mod.ts"
import { type Contents, digest } from "./plots.ts"

/** Reads records one after the other, so that of no more than one everything is in memory. What is none is named. */
export const read = (files: ReadonlyArray<string>): Effect.Effect<Contents, never, Recorder.Recorder> =>
  Effect.map(Effect.forEach(files, readOne), (each) => ({
    digests: each.flatMap(({ digests }) => digests),
    benchmarks: each.flatMap(({ benchmarks }) => benchmarks),
    unreadable: each.flatMap(({ unreadable }) => unreadable)
  }))

const readOne = (file: string) =>
  Recorder.Recorder.use((recorder) => recorder.read(file)).pipe(Effect.match({
    onFailure: ({ reason }): Contents => ({ digests: [], benchmarks: [], unreadable: [{ file, reason }] }),
    onSuccess: ({ damage, record }): Contents => ({
      digests: "runs" in record ? record.runs.map((run) => digest(run)) : "cases" in record ? [] : [digest(record)],
      benchmarks: "cases" in record ? [record] : [],
      unreadable: damage.map(({ line, problem }) => ({ file, reason: `line ${line} cannot be read: ${problem}` }))
    })
  }))
