import { Clock, Effect, FiberMap, FileSystem, Option, Stream } from "effect"
import path from "node:path"
import { Recorder } from "../../../lib/mod.ts"
import { type Contents, digest, merge } from "../../plots/plots.ts"
import { damagesOf, read, unreadable } from "../../plots/read.ts"
import { filesIn } from "../files.ts"

/** What stands in a folder. */
export interface Folder {
  /** The names of its records and journals. */
  readonly files: ReadonlyArray<string>
  readonly contents: Contents
}

/** Looks at a folder so often. */
const interval = "250 millis"

/** Following a large run takes no more than this part of one core. */
const share = 0.25

/**
 * Keeps up with what stands in a folder until it is interrupted, and tells `onChange`, which can ask for all of it when it
 * has the time. A journal is followed while its run goes on, and stands for the record that takes its place.
 */
export const keepUp = Effect.fnUntraced(function*(folder: string, onChange: (now: () => Folder) => void) {
  const fs = yield* FileSystem.FileSystem
  const recorder = yield* Recorder.Recorder
  const following = yield* FiberMap.make<string>()
  /** By the names of the records, whether they stand already or not. */
  const known = new Map<string, Contents>()
  const seen = new Map<string, string>()
  /** Records of runs that got to their end, whose journals have told all. */
  const told = new Set<string>()
  let files: ReadonlyArray<string> = []

  const changed = () =>
    onChange(() => ({ files: files.map((file) => path.basename(file)), contents: merge([...known.values()]) }))

  const learn = (record: string, contents: Contents) => {
    known.set(record, contents)
    changed()
  }

  const follow = (journal: string, record: string) =>
    recorder.follow(journal, interval).pipe(
      Stream.runForEach(Effect.fnUntraced(function*({ damage, isRunning, record: soFar }) {
        const began = yield* Clock.monotonicTimeNanos
        learn(record, {
          digests: [digest(soFar, isRunning)],
          benchmarks: [],
          unreadable: damagesOf(journal, damage)
        })
        if (soFar.status !== "killed") told.add(record)
        const tookMs = Number((yield* Clock.monotonicTimeNanos) - began) / 1e6
        yield* Effect.sleep(tookMs * (1 / share - 1))
      })),
      Effect.catchTag("RecordNotRead", ({ reason }) => Effect.sync(() => learn(record, unreadable(journal, reason))))
    )

  const look = Effect.gen(function*() {
    const now = yield* Effect.orElseSucceed(filesIn(folder), (): Array<string> => [])
    let isSame = now.join("\n") === files.join("\n")
    files = now
    const there = new Set(files)
    for (const record of known.keys()) {
      const isThere = there.has(record) || there.has(Recorder.journalOf(record))
      if (isThere || FiberMap.hasUnsafe(following, record)) continue
      known.delete(record)
      isSame = false
    }
    if (!isSame) changed()
    for (const file of files) {
      const record = file.replace(/\.jsonl$/, ".json")
      if (FiberMap.hasUnsafe(following, record)) continue
      const info = yield* Effect.option(fs.stat(file))
      if (Option.isNone(info)) continue
      const state = [info.value.ino, info.value.mtime, info.value.size].map(String).join(" ")
      if (seen.get(file) === state) continue
      seen.set(file, state)
      if (file !== record) yield* FiberMap.run(following, record, follow(file, record))
      else if (!told.delete(record)) learn(record, yield* read([file]))
    }
  })

  // What goes wrong with following ends it all.
  return yield* Effect.raceFirst(
    Effect.forever(Effect.andThen(look, Effect.sleep(interval))),
    Effect.andThen(FiberMap.join(following), Effect.never)
  )
}, Effect.scoped)
