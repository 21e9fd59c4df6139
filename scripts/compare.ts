#!/usr/bin/env -S npx tsx
/**
 * Runs `eager`, `lazy`, `remove` and `loan` one after the other, each in a process of its own (a peak of memory belongs
 * to a process), shows their figures side by side and leaves one record of all four.
 *
 *     npx tsx scripts/compare.ts --jobs 50 --count 10000000 --workers 3
 */
import "./shared/require-node.js"
import { Console, Effect, FileSystem, Option, Path, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Recorder, RunRecord } from "../lib/mod.ts"
import { argumentsOf, type Choice, executor as executorOf } from "./shared/executors.ts"
import * as figures from "./shared/figures.ts"
import * as flags from "./shared/flags.ts"
import { checkCount } from "./shared/kernels.ts"
import { main, report } from "./shared/main.ts"
import { checkMemory } from "./shared/memory-check.ts"
import { Output } from "./shared/output.ts"
import { begin, placeOf } from "./shared/place.ts"
import { print } from "./shared/terminal.ts"

const variants = ["eager", "lazy", "remove", "loan"]

export const command = Command.make(
  "compare",
  { ...flags.experiment, ...flags.cluster, ...flags.resume, ...flags.result },
  (input) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const { count, executor, force, jobs, json, kernel, quiet, workers } = input
        yield* checkCount(input)
        yield* executorOf("compare", input)
        const place = yield* placeOf("compare", input)
        if (!force) yield* checkMemory(input, () => jobs)
        const recorder = yield* Recorder.Recorder
        const parts = variants.map((variant) => ({ file: partOf(place, variant) }))
        yield* Effect.forEach([place, ...parts], recorder.check, { discard: true })

        const headOf = yield* begin("compare", { jobs, count, workers, executor, kernel })
        const runs: Array<RunRecord.RunRecord> = []
        const exit = yield* Effect.forEach(variants, (variant) =>
          runVariant(variant, partOf(place, variant), input, restore).pipe(
            Effect.flatMap(({ exit, record }) => {
              if (Option.isSome(record) && "jobs" in record.value) runs.push(record.value)
              return exit
            })
          )).pipe(
            Effect.exit,
            Effect.provide(Output.layer({ jobs: variants.length * jobs, workers, silent: quiet || json }))
          )

        const record: RunRecord.ComparisonRecord = { ...headOf(RunRecord.statusOf(exit)), runs }
        if (json || runs.length > 0) {
          yield* json ? Console.log(JSON.stringify(record, null, 2)) : print(figures.comparison(runs))
        }
        yield* recorder.write(record, place).pipe(
          Effect.tapCause(report),
          Effect.tapError(() =>
            Console.error(`What its runs recorded stays in ${partOf(place, "*")}`)
          )
        )
        yield* removeParts(place)
        return yield* exit
      })
    )
).pipe(Command.withDescription("Run eager, lazy, remove and loan, and show their figures side by side"))

/** Where the record of one script is until it is in that of all, so that whatever ends this leaves it. */
const partOf = ({ file }: Recorder.Place, variant: string) => file.replace(/\.json$/, `.${variant}.json`)

const removeParts = (place: Recorder.Place) =>
  FileSystem.FileSystem.use((fs) =>
    Effect.forEach(
      variants.map((variant) => partOf(place, variant)).flatMap((part) => [part, Recorder.journalOf(part)]),
      (file) => Effect.ignore(fs.remove(file)),
      { discard: true }
    )
  )

/** Runs one script as its user would, and reads the record that it leaves, even when it fails. */
const runVariant = Effect.fnUntraced(function*(
  variant: string,
  file: string,
  choice: Choice,
  restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
) {
  const path = yield* Path.Path
  const output = yield* Output
  const script = path.join(import.meta.dirname, `${variant}.ts`)
  const args = argumentsOf(choice)

  output.line(`${variant} started`)
  const exit = yield* Effect.gen(function*() {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const child = yield* spawner.spawn(
      ChildProcess.make(process.execPath, [...process.execArgv, script, ...args, "--out", file, "--force"], {
        stderr: "inherit"
      })
    )
    output.follow(child.pid)
    yield* child.stdout.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) =>
        Effect.sync(() => {
          const [, job, what] = /: worker (\d+) (\w+)$/.exec(line) ?? []
          if (what === "started") output.jobStarted(Number(job))
          else if (what !== undefined) output.jobEnded(Number(job))
        })
      )
    )
    const status = yield* child.exitCode.pipe(
      Effect.mapError(({ reason }) => new VariantFailed({ variant, why: String(reason.cause ?? reason.message) }))
    )
    if (status !== 0) return yield* new VariantFailed({ variant, why: `it ended with exit status ${status}` })
  }).pipe(restore, Effect.scoped, Effect.exit)
  output.line(`${variant} ${RunRecord.statusOf(exit)}`)

  const recorder = yield* Recorder.Recorder
  const read = yield* recorder.read(file).pipe(
    Effect.catch(() => recorder.read(Recorder.journalOf(file))),
    Effect.option
  )
  return { exit, record: Option.map(read, ({ record }) => record) }
})

/** One of the scripts ended with a failure, which it has told of on standard error. */
class VariantFailed extends Schema.TaggedError<VariantFailed>()("VariantFailed", {
  variant: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `${this.variant} failed: ${this.why}`
  }
}

if (import.meta.main) main(command)
