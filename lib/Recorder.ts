/**
 * Keeps the record of a run: a journal while it lasts, a whole file at its end.
 *
 * The journal takes each event as it happens, so what a run did that was killed can be read. At the end the record is
 * written beside it, whole or not at all, and the journal goes.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { JobObserver } from "./Executor.ts"
import type { InvalidOptions } from "./ExecutorError.ts"
import { environment } from "./internal/environment.ts"
import type { Damage } from "./internal/journal.ts"
import { ObservedRun } from "./internal/ObservedRun.ts"
import * as checks from "./internal/options.ts"
import * as recordReader from "./internal/recordReader.ts"
import * as resultFile from "./internal/resultFile.ts"
import * as RunRecord from "./RunRecord.ts"

/** See the module's comment. */
export class Recorder extends Context.Service<Recorder, {
  /**
   * Runs `program` and records the jobs that it hands to executors, with the memory at each result and each
   * `sampleInterval`. Ends as `program` does; a failure and an interruption are recorded, too.
   *
   * Fails before `program` begins where the files cannot be made or the interval is no duration of at least 0; a journal
   * that cannot be written later, for a full disk say, stops the program with that error.
   */
  readonly record: <A, E, R>(
    program: Effect.Effect<A, E, R>,
    options: Options
  ) => Effect.Effect<A, E | RecordNotWritten | InvalidOptions, R>
  /** Where this process runs. */
  readonly environment: RunRecord.Environment
  /** Fails where `record` or `write` would, as far as can be told beforehand. */
  readonly check: (place: Place) => Effect.Effect<void, RecordNotWritten>
  /** Writes a record, whole or not at all; fails for one that could not be read again. */
  readonly write: (record: RunRecord.ResultFile, place: Place) => Effect.Effect<void, RecordNotWritten>
  /**
   * Reads a record, or adds up the journal of a run that did not end (or not yet): its status is "killed".
   *
   * The file may hold anything: what is no record fails, and one larger than a string can be (some 500 MB) is not even
   * read. A journal may be of any size.
   */
  readonly read: (file: string, options?: ReadOptions) => Effect.Effect<Read, RecordNotRead>
  /** Reads what stands where a record should, whatever it says, within the same limits. */
  readonly readJson: (file: string, options?: ReadOptions) => Effect.Effect<object, RecordNotRead>
  /**
   * Follows the journal of a run: what it adds up to so far, and again whenever it has grown, looked for at each
   * `interval`. Reads every byte once. Ends with the run, also where that was killed; fails where there is no journal, and
   * with an interval that is no duration of at least 0.
   */
  readonly follow: (
    journalFile: string,
    interval: Duration.Input
  ) => Stream.Stream<Followed, RecordNotRead | InvalidOptions>
  /**
   * Makes a record of the journal of a run that was killed, beside it. The journal stays if it is damaged inside. Fails
   * while the process lives that kept the journal, unless `isOver` says that this is another one with its number, and
   * where a record stands there already, unless `overwrite` says that it is an earlier one.
   */
  readonly finish: (
    journalFile: string,
    options?: FinishOptions
  ) => Effect.Effect<Finished, RecordNotRead | RecordNotWritten | RunGoesOn>
}>()("effect-futures/Recorder") {
  static readonly layer: Layer.Layer<Recorder, never, FileSystem.FileSystem | Path.Path | ChildProcessSpawner> = Layer
    .effect(Recorder, Effect.suspend(() => make))
}

/** Where a record goes. */
export interface Place {
  /** Ends in `.json`, and may be a link to a file; the journal stands beside it and ends in `.jsonl`. */
  readonly file: string
  /** By default a file that exists is left alone, and that is an error. */
  readonly overwrite?: boolean
}

/** What is recorded of a run, and where. */
export interface Options extends Place {
  readonly script: string
  readonly parameters: RunRecord.Parameters
  /** How often the memory is sampled, beside at each result. */
  readonly sampleInterval: Duration.Input
  /** What to do once the record is written, or could not be, before the program's own end is passed on. */
  readonly onRecord?: (written: Exit.Exit<RunRecord.RunRecord, RecordNotWritten>) => Effect.Effect<void>
}

/** Who hears how far reading is. */
export interface ReadOptions {
  /** Is told the size of each piece once it is read, in bytes. */
  readonly onRead?: (bytes: number) => void
}

/** How {@link Recorder} finishes a journal. */
export interface FinishOptions extends ReadOptions, Pick<Place, "overwrite"> {
  /** The run is over, whatever process has its number. */
  readonly isOver?: boolean
}

/** What stood in a file. */
export interface Read {
  readonly record: RunRecord.ResultFile
  /** The lines of a journal that could not be read; a kill can tear the last one. */
  readonly damage: ReadonlyArray<Damage>
}

/** What stands in a journal so far. */
export interface Followed extends Read {
  readonly record: RunRecord.RunRecord
  /** Whether it may still grow. */
  readonly isRunning: boolean
}

/** What became of a journal. */
export interface Finished extends Read {
  /** Where its record is. */
  readonly file: string
}

/** A record, or its journal, cannot be written. */
export class RecordNotWritten extends Schema.TaggedError<RecordNotWritten>()("RecordNotWritten", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be written: ${this.reason}`
  }
}

/** A record, or a journal, cannot be read. */
export class RecordNotRead extends Schema.TaggedError<RecordNotRead>()("RecordNotRead", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be read: ${this.reason}`
  }
}

/** A journal is not finished while its run goes on. */
export class RunGoesOn extends Schema.TaggedError<RunGoesOn>()("RunGoesOn", {
  file: Schema.String,
  pid: Schema.Int
}) {
  override get message() {
    return `${this.file} cannot be finished: its run goes on, in process ${this.pid}`
  }
}

const { parameters, script } = RunRecord.RunRecord.fields

const decodeGiven = Schema.decodeEffect(Schema.Struct({ script, parameters }))

const checkGiven = (options: Options) =>
  Effect.mapError(
    decodeGiven(options),
    ({ message }) => new RecordNotWritten({ file: options.file, reason: `it would be no record: ${message}` })
  )

/** Where the journal of the record `file` stands. */
export const journalOf = (file: string): string => `${file.replace(/\.json$/, "")}.jsonl`

/** Where a record is written before it takes its place. */
const partialOf = (file: string): string => `${file}.${process.pid}.partial`

/** What Linux, macOS and Windows take. */
const maxNameBytes = 255

interface Problem {
  readonly message: string
  readonly cause?: unknown
}

const reasonOf = ({ cause, message }: Problem) => cause instanceof Error ? cause.message : message

const notWritten = (file: string) => (problem: Problem) => new RecordNotWritten({ file, reason: reasonOf(problem) })

const notRead = (file: string) => (problem: Problem) => new RecordNotRead({ file, reason: reasonOf(problem) })

const encoder = new TextEncoder()

const noJournal = "expected no journal there yet"

const goesOn = (file: string, pid: number) =>
  new RecordNotWritten({ file, reason: `${noJournal}: its run goes on, in process ${pid}` })

/** The journals that this process keeps. */
const kept = new Set<string>()

/** What is written before it takes its place has one name in this process. */
const writing = Semaphore.makeUnsafe(1)

const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const where = yield* environment
  const reader = yield* recordReader.make

  const check = (place: Place) => Effect.andThen(checkFile(place), checkJournal(place))

  const checkJournal = Effect.fnUntraced(function*({ file, overwrite = false }: Place) {
    const name = journalOf(file)
    const type = yield* fs.stat(name).pipe(Effect.map((info) => info.type), Effect.orElseSucceed(() => undefined))
    if (type === undefined) return
    // To open it would wait for a reader.
    if (type === "FIFO") {
      return yield* new RecordNotWritten({ file: name, reason: `${noJournal}, but there is a FIFO` })
    }
    if (!overwrite) {
      const reason = `${noJournal}: the run that keeps it goes on, or was killed`
      return yield* new RecordNotWritten({ file: name, reason })
    }
    const { pid } = yield* Effect.orElseSucceed(reader.readJournal(name), () => ({ pid: undefined }))
    // Its own number was another's before: in a container numbers come again.
    if (pid === process.pid || !recordReader.isRunning(pid)) return
    return yield* goesOn(name, pid)
  })

  /** For the time of a scope the journal is that of one run. */
  const keep = (name: string) =>
    Effect.acquireRelease(
      Effect.suspend(() =>
        kept.has(path.resolve(name)) ? goesOn(name, process.pid) : Effect.succeed(kept.add(path.resolve(name)))
      ),
      () => Effect.sync(() => kept.delete(path.resolve(name)))
    )

  const checkFile = Effect.fnUntraced(
    function*({ file, overwrite = false }: Place) {
      const refuse = (expected: string) => Effect.fail(new RecordNotWritten({ file, reason: `expected ${expected}` }))
      const info = yield* Effect.option(fs.stat(file))
      if (info._tag === "Some" && (info.value.type !== "File" || !overwrite)) {
        const what = info.value.type === "File" ? "the file exists" : `there is a ${info.value.type}`
        return yield* refuse(`no file there yet, but ${what}`)
      }
      if (info._tag === "None" && (yield* Effect.option(fs.readLink(file)))._tag === "Some") {
        return yield* refuse("no file there yet, but there is a link to nothing")
      }
      if (!file.endsWith(".json")) return yield* refuse("a name that ends in .json")
      if (Buffer.byteLength(path.basename(partialOf(file))) > maxNameBytes) {
        return yield* refuse(`a name of at most ${maxNameBytes - Buffer.byteLength(partialOf(""))} bytes`)
      }
      const folder = path.dirname(file)
      const { type } = yield* fs.stat(folder)
      if (type !== "Directory") return yield* refuse(`a folder at ${folder}, but there is a ${type}`)
      yield* fs.access(folder, { writable: true })
    },
    (effect, { file }) => Effect.catchTag(effect, "PlatformError", notWritten(file))
  )

  const write = (record: RunRecord.ResultFile, place: Place) =>
    resultFile.decode(record).pipe(
      Effect.mapError(({ message }) =>
        new RecordNotWritten({ file: place.file, reason: `it is no record: ${message}` })
      ),
      Effect.andThen(writeUnchecked(record, place))
    )

  const writeUnchecked = (record: RunRecord.ResultFile, place: Place) =>
    Effect.gen(function*() {
      yield* checkFile(place)
      const text = yield* Effect.try({
        try: () => `${JSON.stringify(record, null, 2)}\n`,
        catch: () => new RecordNotWritten({ file: place.file, reason: "it is longer than a string can be" })
      })
      // Where a link points to, if there is one.
      const file = yield* Effect.orElseSucceed(fs.realPath(place.file), () => place.file)
      const partial = partialOf(file)
      // What is there was left by another process of this number, which is no more.
      yield* fs.writeFileString(partial, text).pipe(
        Effect.andThen(fs.rename(partial, file)),
        Effect.onError(() => Effect.ignore(fs.remove(partial)))
      )
    }).pipe(Effect.catchTag("PlatformError", notWritten(place.file)), writing.withPermit)

  /** Writes the run's lines to its journal, as far as there are any; it waits for the first. */
  const openJournal = Effect.fnUntraced(function*(place: Place, run: ObservedRun) {
    yield* check(place)
    // The program may go to another folder meanwhile.
    const recordFile = path.resolve(place.file)
    const name = journalOf(recordFile)
    yield* keep(name)
    const file = yield* fs.open(name, { flag: place.overwrite === true ? "w" : "wx" }).pipe(
      Effect.catchTag("PlatformError", notWritten(name))
    )
    // What was taken is written: the end of the program interrupts no more than the waiting.
    const append = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(Queue.takeAll(run.lines)), (lines) => file.writeAll(encoder.encode(lines.join(""))))
    ).pipe(Effect.catchTag("PlatformError", notWritten(name)))
    yield* Effect.onError(append, () => Effect.ignore(fs.remove(name)))
    return { recordFile, name, append, remove: Effect.ignore(fs.remove(name)) }
  })

  const record = <A, E, R>(program: Effect.Effect<A, E, R>, options: Options) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.scoped(Effect.gen(function*() {
        const sampleInterval = yield* checks.duration("sampleInterval", options.sampleInterval)
        yield* checkGiven(options)
        const run = new ObservedRun(options, where)
        const journal = yield* openJournal(options, run)
        const observer = yield* JobObserver
        const observed = Effect.provideService(program, JobObserver, (event) => {
          run.observe(event)
          observer?.(event)
        })
        const background = Effect.raceFirst(
          Effect.forever(journal.append),
          Effect.forever(Effect.delay(Effect.sync(() => run.tick()), sampleInterval))
        )
        let why: Cause.Cause<E> | undefined
        const watched = Effect.onError(observed, (cause) =>
          Effect.sync(() => {
            why = cause
          }))
        const raced = yield* Effect.exit(restore(Effect.raceFirst(watched, background)))
        // Of a race that is interrupted nobody hears what failed while it stopped.
        const exit = why !== undefined && RunRecord.statusOf(raced) === "interrupted" ? Exit.failCause(why) : raced

        run.end(RunRecord.statusOf(exit))
        yield* Effect.ignore(journal.append)
        const record = run.ledger.record()!
        const written = yield* writeUnchecked(record, { ...options, file: journal.recordFile }).pipe(
          Effect.as(record),
          Effect.mapError(({ file, reason }) =>
            new RecordNotWritten({ file, reason: `${reason}; its journal stays in ${journal.name}` })
          ),
          Effect.exit
        )
        if (Exit.isSuccess(written)) yield* journal.remove
        if (options.onRecord !== undefined) yield* options.onRecord(written)
        yield* written
        return yield* exit
      }))
    )

  const read = (file: string, options?: ReadOptions) => Effect.mapError(reader.read(file, options), notRead(file))

  const readJson = (file: string, options?: ReadOptions) =>
    Effect.mapError(reader.readJson(file, options), notRead(file))

  const follow = (file: string, interval: Duration.Input) =>
    Stream.unwrap(Effect.map(
      checks.duration("interval", interval),
      (interval) => Stream.mapError(reader.follow(file, interval), notRead(file))
    ))

  const finish = Effect.fnUntraced(
    function*(journalFile: string, options: FinishOptions = {}) {
      if (!recordReader.isJournal(journalFile)) {
        return yield* new RecordNotRead({ file: journalFile, reason: "expected a journal, which ends in .jsonl" })
      }
      const { damage, pid, record } = yield* Effect.mapError(
        reader.readJournal(journalFile, options),
        notRead(journalFile)
      )
      if (options.isOver !== true && recordReader.isRunning(pid)) {
        return yield* new RunGoesOn({ file: journalFile, pid })
      }
      const file = journalFile.replace(/\.jsonl$/, ".json")
      yield* writeUnchecked(record, { ...options, file })
      if (damage.every(({ isLast }) => isLast)) yield* Effect.ignore(fs.remove(journalFile))
      return { record, damage, file }
    }
  )

  return Recorder.of({ record, environment: where, check, write, read, readJson, follow, finish })
})
