import { Effect, FileSystem } from "effect"
import path from "node:path"

/** The records in a folder, and the journals of runs without one; none of a folder that is not there. */
export const recordsIn = Effect.fnUntraced(function*(folder: string) {
  const fs = yield* FileSystem.FileSystem
  const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  return names.filter((name) => /(?<!\.schema)\.jsonl?$/.test(name)).toSorted().map((name) => path.join(folder, name))
})
