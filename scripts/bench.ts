#!/usr/bin/env -S npx tsx
/**
 * Measures the executor against other pools at the same work, in turn within one run, each sample in a fresh process.
 *
 *     npm run bench -- --case noop --case latency --peer piscina --rounds 9
 */
import "./shared/require-node.js"
import { Console, Effect, Path, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Recorder, RunRecord } from "../lib/mod.ts"
import type { Case, Sizes, Subject } from "./bench/case.ts"
import { cases } from "./bench/cases.ts"
import { peerNames } from "./bench/pools.ts"
import * as figures from "./shared/figures.ts"
import * as flags from "./shared/flags.ts"
import { main } from "./shared/main.ts"
import { placeOf } from "./shared/place.ts"

const { executor: _, ...parameters } = flags.experiment

const caseNames = cases.map(({ name }) => name)

export const command = Command.make(
  "bench",
  {
    ...parameters,
    ...flags.result,
    cases: Flag.Literals("case", caseNames).pipe(
      Flag.withDescription("Measure this case only; can be given several times"),
      Flag.atLeast(0)
    ),
    peers: Flag.Literals("peer", peerNames).pipe(
      Flag.withDescription("Measure this peer only; can be given several times"),
      Flag.atLeast(0)
    ),
    quick: flags.toggle("quick", "Measure each case once, with little work and one peer: to see that it works"),
    rounds: flags.count("rounds", 5, "How many samples of each subject")
  },
  Effect.fn("bench")(function*(input) {
    const place = yield* placeOf("bench", input)
    const recorder = yield* Recorder.Recorder
    yield* recorder.check(place)

    const { json, quick, quiet } = input
    const rounds = quick ? 1 : input.rounds
    const sizes: Sizes = {
      jobs: quick ? Math.min(input.jobs, 6) : input.jobs,
      count: quick ? Math.min(input.count, 1_000_000) : input.count,
      workers: input.workers,
      quick
    }
    const chosenCases = cases.filter(({ name }) => input.cases.length === 0 || input.cases.includes(name))
    const chosenPeers = input.peers.length > 0 ? input.peers : quick ? ["piscina", "concurrent.futures"] : peerNames

    const startedAt = new Date()
    const measured: Array<RunRecord.BenchCase> = []
    for (const each of chosenCases) {
      const chosen = each.subjects.filter(({ name }) => !peerNames.includes(name) || chosenPeers.includes(name))
      const result = yield* measure({ ...each, subjects: chosen }, sizes, rounds)
      if (!quiet && !json) yield* Console.log(figures.benchmark(result))
      measured.push(result)
    }

    const record: RunRecord.BenchRecord = {
      version: 1,
      script: "bench",
      status: "completed",
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      environment: recorder.environment,
      parameters: { ...sizes, rounds },
      cases: measured
    }
    yield* recorder.write(record, place)
    if (json) yield* Console.log(JSON.stringify(record, null, 2))
  })
).pipe(Command.withDescription("Measure the executor against other pools at the same work"))

/** In turn, A B C A B C …, so that what drifts on the machine falls on all alike. */
const measure = Effect.fnUntraced(function*({ description, name, subjects }: Case, sizes: Sizes, rounds: number) {
  const samples = subjects.map((): Array<RunRecord.BenchSample> => [])
  for (let round = 0; round < rounds; round++) {
    for (const [n, subject] of subjects.entries()) samples[n]!.push(yield* sample(name, subject, sizes))
  }
  return {
    name,
    description,
    subjects: subjects.map(({ name, role }, n) => ({ name, role, samples: samples[n]! }))
  }
})

/** By Node alone, not by what runs this script, so that no subject's workers inherit a loader. */
const nodeFlags = ["--expose-gc", "--disable-warning=ExperimentalWarning"]

const sample = Effect.fnUntraced(function*(caseName: string, subject: Subject, sizes: Sizes) {
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const script = path.join(import.meta.dirname, "bench", "sample.ts")
  const printed = yield* spawner.string(
    ChildProcess.make(process.execPath, [...nodeFlags, script, caseName, subject.name, JSON.stringify(sizes)], {
      stderr: "inherit"
    })
  )
  return yield* Schema.decodeEffect(Schema.fromJsonString(RunRecord.BenchSample))(printed).pipe(
    Effect.mapError(() => new NoSample({ case: caseName, subject: subject.name }))
  )
})

/** A subject ended without a sample; it has printed why. */
class NoSample extends Schema.TaggedError<NoSample>()("NoSample", { case: Schema.String, subject: Schema.String }) {
  override get message() {
    return `No sample of ${this.subject} in the case ${this.case}`
  }
}

if (import.meta.main) main(command)
