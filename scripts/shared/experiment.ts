/**
 * What the scripts of the experiment have in common: flags, workers, log, record.
 *
 * A script says what it is called and how it reads its results; that is the whole of the difference between them.
 */
import { Console, Effect, Exit } from "effect"
import { Command } from "effect/cli"
import { Executor, Recorder } from "../../lib/mod.ts"
import { executor } from "./executors.ts"
import * as flags from "./flags.ts"
import { checkCount, kernels, type Sin } from "./kernels.ts"
import { report } from "./main.ts"
import { checkMemory } from "./memory-check.ts"
import { watch } from "./observability.ts"
import { Output } from "./output.ts"
import { placeOf } from "./place.ts"

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
  /** Runs the jobs, each of which is `sin`: the one that `--kernel` names. */
  readonly run: (parameters: Parameters, sin: Sin) => Effect.Effect<void, E, Executor.Executor>
}

export const command = <E>({ arrays, description, name, run }: Experiment<E>) =>
  Command.make(
    name,
    { ...flags.experiment, ...flags.cluster, ...flags.resume, ...flags.result, otlp: flags.otlp },
    Effect.fn(name)(function*(input) {
      const { count, force, jobs, json, kernel, workers } = input
      yield* checkCount(input)
      if (!force) yield* checkMemory(input, arrays)
      const recorder = yield* Recorder.Recorder
      const output = yield* Output
      const layer = yield* executor(name, input)
      // Whoever asks for the figures publishes them: a collector is told the last ones, too.
      const program = run(input, kernels[kernel]).pipe(Effect.ensuring(Executor.stats), Effect.provide(layer))
      // A collector that is slow to take what is left costs the record no time.
      yield* recorder.record(program, {
        script: name,
        parameters: { jobs, count, workers, executor: input.executor, kernel },
        ...(yield* placeOf(name, input)),
        sampleInterval: "100 millis",
        onRecord: Exit.match({
          onSuccess: (record) => json ? Console.log(JSON.stringify(record, null, 2)) : Effect.void,
          onFailure: report
        })
      }).pipe(watch(input.otlp, name), Effect.provideService(Executor.JobObserver, (event) => show(event, output)))
    }, (effect, { jobs, json, quiet, workers }) =>
      Effect.provide(effect, Output.layer({ jobs, workers, silent: quiet || json })))
  ).pipe(Command.withDescription(description))

const show = (event: Executor.JobEvent, output: Output["Service"]) => {
  if (event._tag === "Started") {
    output.line(`worker ${event.id} started`)
    output.jobStarted(event.id)
  }
  if (event._tag === "Settled") {
    output.line(`worker ${event.id} ${event.status === "succeeded" ? "return" : event.status}`)
    output.jobEnded(event.id)
  }
}
