#!/usr/bin/env -S npx tsx
/**
 * Measures the executor against others at the same work, in turn within one run, each sample in a fresh process.
 *
 *     npm run bench -- --case start --rounds 9
 */
import "./shared/require-node.js"
import { Console, Effect, Option, Path, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Recorder, RunRecord } from "../lib/mod.ts"
import { type Case, cases } from "./bench/cases.ts"
import * as figures from "./shared/figures.ts"
import * as flags from "./shared/flags.ts"
import { main } from "./shared/main.ts"
import { placeOf } from "./shared/place.ts"

const { executor: _, ...parameters } = flags.experiment

export const command = Command.make(
  "bench",
  {
    ...parameters,
    ...flags.result,
    case: Flag.Literals("case", cases.map(({ name }) => name)).pipe(
      Flag.withDescription("Measure this case only"),
      Flag.optional
    ),
    rounds: flags.count("rounds", 5, "How many samples of each subject")
  },
  Effect.fn("bench")(function*(input) {
    const { count, jobs, json, quiet, rounds, workers } = input
    const place = yield* placeOf("bench", input)
    const recorder = yield* Recorder.Recorder
    yield* recorder.check(place)

    const startedAt = new Date()
    const chosen = cases.filter(({ name }) => Option.getOrElse(input.case, () => name) === name)
    const measured = yield* Effect.forEach(chosen, (each) =>
      measure(each, { jobs, count, workers }, rounds).pipe(
        Effect.tap((result) => quiet || json ? Effect.void : Console.log(figures.benchmark(result)))
      ))

    const record: RunRecord.BenchRecord = {
      version: 1,
      script: "bench",
      status: "completed",
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      environment: recorder.environment,
      parameters: { jobs, count, workers, rounds },
      cases: measured
    }
    yield* recorder.write(record, place)
    if (json) yield* Console.log(JSON.stringify(record, null, 2))
  })
).pipe(Command.withDescription("Measure the executor against others at the same work"))

/** In turn, A B C A B C …, so that what drifts on the machine falls on all alike. */
const measure = Effect.fnUntraced(function*(
  { description, name, subjects }: Case,
  sizes: { readonly jobs: number; readonly count: number; readonly workers: number },
  rounds: number
) {
  const samples = new Map<string, Array<RunRecord.BenchSample>>(subjects.map((subject) => [subject.name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) samples.get(subject.name)!.push(yield* sample(name, subject.name, sizes))
  }
  return {
    name,
    description,
    subjects: subjects.map((subject) => ({ name: subject.name, samples: samples.get(subject.name)! }))
  }
})

const sample = Effect.fnUntraced(function*(caseName: string, subject: string, sizes: object) {
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const script = path.join(import.meta.dirname, "bench", "subject.ts")
  const printed = yield* spawner.string(
    ChildProcess.make(process.execPath, [...process.execArgv, script, caseName, subject, JSON.stringify(sizes)], {
      stderr: "inherit"
    })
  )
  return yield* Schema.decodeEffect(Schema.fromJsonString(RunRecord.BenchSample))(printed)
})

if (import.meta.main) main(command)
