/** Goes through files with a bar where that takes long. */
import { ByteSize, Effect, FileSystem } from "effect"
import type { Recorder } from "../../lib/mod.ts"
import * as progress from "./progress.ts"

const patienceMs = 1000

/** Does the same to each file in turn; between two terminals a bar says how many megabytes of them were read. */
export const forEachFile = <A, E, R>(
  files: ReadonlyArray<string>,
  read: (file: string, options: Recorder.ReadOptions) => Effect.Effect<A, E, R>
) =>
  Effect.scoped(Effect.gen(function*() {
    const { add } = yield* progress.make({
      total: yield* megabytesOf(files),
      unit: "MB",
      stream: process.stderr,
      silent: !process.stdout.isTTY || !process.stderr.isTTY,
      patienceMs
    })
    return yield* Effect.forEach(files, (file) => read(file, { onRead: (bytes) => add(bytes / 1e6) }))
  }))

const megabytesOf = Effect.fnUntraced(function*(files: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const sizes = yield* Effect.forEach(
    files,
    (file) =>
      Effect.match(fs.stat(file), { onSuccess: ({ size }) => ByteSize.toNumberUnsafe(size), onFailure: () => 0 })
  )
  return sizes.reduce((sum, size) => sum + size, 0) / 1e6
})
