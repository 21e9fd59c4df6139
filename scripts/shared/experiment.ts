/**
 * What the scripts of the experiment have in common: flags, workers, log, record.
 *
 * A script says what it is called and how it reads its results; that is the whole of the difference between them.
 */
import { Console, Effect, Option } from "effect"
import { Command } from "effect/cli"
import path from "node:path"
import { Executor, InlineExecutor, Recorder, ThreadExecutor } from "../../lib/mod.ts"
import * as flags from "./flags.ts"
import { UsageError } from "./main.ts"
import { Output } from "./output.ts"

/** What a run was asked for. */
export interface Parameters {
  readonly jobs: number
  readonly count: number
  readonly workers: number
}

export interface Experiment<E> {
  readonly name: string
  readonly description: string
  /** How many results there can be in memory at the same time. */
  readonly arrays: (parameters: Parameters) => number
  readonly run: (parameters: Parameters) => Effect.Effect<void, E, Executor.Executor>
}

export const command = <E>({ arrays, description, name, run }: Experiment<E>) =>
  Command.make(name, { ...flags.experiment, ...flags.result }, (input) => {
    const { count, executor, force, jobs, json, out, quiet, workers } = input
    const parameters = { jobs, count, workers }
    const recorded = Effect.gen(function*() {
      if (!force) yield* checkMemory(parameters, arrays)
      const recorder = yield* Recorder.Recorder
      const output = yield* Output
      return yield* recorder.record(
        Effect.provide(
          run(parameters),
          executors[executor]({ maxWorkers: workers, minWorkers: Math.min(workers, jobs) })
        ),
        {
          script: name,
          parameters: { ...parameters, executor },
          file: Option.getOrElse(out, () => resultFile(name)),
          overwrite: force,
          sampleInterval: "100 millis"
        }
      ).pipe(Effect.provideService(Executor.JobObserver, (event) => show(event, output)))
    }).pipe(Effect.provide(Output.layer({ jobs, silent: quiet || json })))

    return Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const { exit, record } = yield* restore(recorded)
        if (json) yield* Console.log(JSON.stringify(record, null, 2))
        return yield* exit
      })
    )
  }).pipe(Command.withDescription(description))

const executors = { thread: ThreadExecutor.layer, inline: InlineExecutor.layer }

/** `results/lazy-2026-11-23T07-41-30.123Z.json`, wherever the script is run from. */
export const resultFile = (script: string) =>
  path.join(
    import.meta.dirname,
    "..",
    "..",
    "results",
    `${script}-${new Date().toISOString().replaceAll(":", "-")}.json`
  )

const show = (event: Executor.JobEvent, output: Output["Service"]) => {
  if (event._tag === "Started") output.line(`worker ${event.id} started`)
  if (event._tag === "Settled") {
    output.line(`worker ${event.id} ${event.status === "succeeded" ? "return" : event.status}`)
    output.jobEnded()
  }
}

/** Fails, and says what would fit, where the results would not fit into memory. */
const checkMemory = (parameters: Parameters, arrays: Experiment<never>["arrays"]) => {
  const { count, jobs } = parameters
  const available = process.availableMemory()
  const bytes = (alternative: Partial<Parameters>) => {
    const chosen = { ...parameters, ...alternative }
    return Math.min(chosen.jobs, arrays(chosen)) * chosen.count * Float64Array.BYTES_PER_ELEMENT
  }
  const needed = bytes({})
  if (needed <= available) return Effect.void
  const fits = [
    ["--count", Math.floor(count * available / needed)] as const,
    ["--jobs", Math.floor(jobs * available / needed)] as const
  ].filter(([flag, value]) => value > 0 && bytes(flag === "--count" ? { count: value } : { jobs: value }) <= available)
  return Effect.fail(
    new UsageError(
      `--jobs ${jobs} --count ${count} holds up to ${gigabytes(needed)} of results, and ${
        gigabytes(available)
      } are free: ` +
        `expected less, such as ${
          fits.map(([flag, value]) => `${flag} ${value}`).join(" or ")
        } (--force runs it anyway)`
    )
  )
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
