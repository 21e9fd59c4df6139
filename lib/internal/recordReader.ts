/** Reads records, and journals as far as they go. A file can hold anything; what cannot be read fails with the reason. */
import * as ByteSize from "effect/ByteSize"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { ReadOptions } from "../Recorder.ts"
import * as RunRecord from "../RunRecord.ts"
import * as journal from "./journal.ts"
import * as resultFile from "./resultFile.ts"

/** Whether there is a process, and one of that number; it may be one that only another user can signal. */
export const isRunning = (pid: number | undefined): pid is number => {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

export const isJournal = (file: string) => file.endsWith(".jsonl")

const more = Option.some<void>(undefined)

/** What is worked out from a journal; its events can be valid, and their sum not. */
const decodeFigures = Schema.decodeEffect(Schema.Struct({
  finishedAt: RunRecord.Timestamp,
  summary: RunRecord.Summary
}))

const recordOf = Effect.fnUntraced(function*(reader: journal.Reader) {
  const record = reader.ledger.record()
  if (record === undefined) {
    const expected = "expected a first line that says what run it is of"
    const problem = reader.startProblem()
    return yield* Effect.fail({ message: problem === undefined ? expected : `${expected}: ${problem}` })
  }
  yield* decodeFigures(record)
  return record
})

const ignore = () => {}

export const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem

  /** Of a pipe or a device there might never be an end. */
  const statFile = Effect.fnUntraced(function*(file: string) {
    const info = yield* fs.stat(file)
    return info.type === "File" ? info : yield* Effect.fail({ message: `expected a file, got a ${info.type}` })
  })

  const readJournal = Effect.fnUntraced(function*(file: string, { onRead = ignore }: ReadOptions = {}) {
    yield* statFile(file)
    const reader = new journal.Reader()
    yield* Stream.runForEach(fs.stream(file, { chunkSize: 2 ** 20 }), (bytes) =>
      Effect.sync(() => {
        reader.add(bytes)
        onRead(bytes.length)
      }))
    const damage = reader.end()
    return { record: yield* recordOf(reader), damage, pid: reader.ledger.pid() }
  })

  const readJson = Effect.fnUntraced(function*(file: string, { onRead = ignore }: ReadOptions = {}) {
    const { size } = yield* statFile(file)
    if (ByteSize.isGreaterThan(size, resultFile.maxSize)) {
      const [most, got] = [resultFile.maxSize, size].map((size) => ByteSize.format(size))
      return yield* Effect.fail({ message: `expected at most ${most}, got ${got}` })
    }
    const bytes = yield* fs.readFile(file)
    onRead(bytes.length)
    return yield* resultFile.parse(bytes)
  })

  const read = Effect.fnUntraced(function*(file: string, options?: ReadOptions) {
    if (!isJournal(file)) return { record: yield* resultFile.decode(yield* readJson(file, options)), damage: [] }
    const { damage, record } = yield* readJournal(file, options)
    return { record, damage }
  })

  const follow = (file: string, interval: Duration.Duration) =>
    Stream.unwrap(Effect.map(Effect.andThen(statFile(file), fs.open(file)), (opened) => {
      const reader = new journal.Reader()
      let readBytes = 0
      /** What is there by now, or as much as there was before: adding all up takes the longer the more it is. */
      const readOn = Effect.gen(function*() {
        const { size } = yield* opened.stat
        const before = readBytes
        const enough = Math.min(ByteSize.toNumberUnsafe(size), 2 * before)
        do {
          const piece = yield* opened.readAlloc(2 ** 22)
          if (Option.isNone(piece)) break
          reader.add(piece.value)
          readBytes += piece.value.length
        } while (readBytes < enough)
        return readBytes > before
      })
      const next = Effect.gen(function*() {
        // Asked before reading, so that what a process wrote last is read.
        const wasRunning = isRunning(reader.ledger.pid())
        const hasGrown = yield* readOn
        if (!hasGrown && wasRunning) {
          yield* Effect.sleep(interval)
          return [[], more] as const
        }
        const damage = hasGrown ? [] : reader.end()
        const followed = { record: yield* recordOf(reader), damage, isRunning: isRunning(reader.ledger.pid()) }
        return [[followed], hasGrown ? more : Option.none()] as const
      })
      return Stream.paginate(undefined, () => next)
    }))

  return { readJournal, readJson, read, follow }
})
