#!/usr/bin/env -S npx tsx
/**
 * Simulates what limits a cluster: how many jobs a second it does with so many runners, jobs and settings, and what is
 * busy then. The costs of the database are measured; time is not, so it takes seconds.
 *
 *     npx tsx scripts/scale.ts
 */
import "./shared/require-node.js"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Recorder, type RunRecord } from "../lib/mod.ts"
import { type Cluster, costs, type Outcome, simulate } from "./scale/simulate.ts"
import * as figures from "./shared/figures.ts"
import * as flags from "./shared/flags.ts"
import { main } from "./shared/main.ts"
import { begin, placeOf } from "./shared/place.ts"
import { print } from "./shared/terminal.ts"

const usual = { cores: 4, flushMs: 0.5, pollMs: 200, listeners: 8 }

const questions: ReadonlyArray<{ readonly name: string; readonly cluster: Cluster }> = [
  ...[1, 10, 100, 1000].map((runners) => ({
    name: "jobs of 1 s",
    cluster: { ...usual, runners, jobMs: 1000, chunk: 1 }
  })),
  ...[10, 100, 1000].map((runners) => ({
    name: "jobs of 10 ms",
    cluster: { ...usual, runners, jobMs: 10, chunk: 1 }
  })),
  ...[1, 10, 100, 1000].map((chunk) => ({
    name: `jobs of 1 ms, ${chunk} in a message`,
    cluster: { ...usual, runners: 1000, jobMs: 1, chunk }
  })),
  ...[
    { name: "16 cores", cores: 16 },
    { name: "16 cores, a disk of 0.05 ms", cores: 16, flushMs: 0.05 },
    { name: "16 cores, synchronous_commit off", cores: 16, flushMs: 0 }
  ].map(({ name, ...better }) => ({
    name: `100 in a message, ${name}`,
    cluster: { ...usual, ...better, runners: 1000, jobMs: 1, chunk: 100 }
  }))
]

export const command = Command.make(
  "scale",
  flags.result,
  Effect.fn("scale")(function*(input) {
    const place = yield* placeOf("scale", input)
    const recorder = yield* Recorder.Recorder
    yield* recorder.check(place)
    const headOf = yield* begin("scale", { ...usual, ...costs })
    const answers = questions.map((question) => ({ ...question, outcome: simulate(question.cluster) }))
    const record: RunRecord.BenchRecord = {
      ...headOf("completed"),
      cases: answers.map(({ cluster, name, outcome }) => ({
        name,
        description: JSON.stringify(cluster),
        subjects: [{ name: "simulated", role: "ours", samples: [toSample(cluster, outcome)] }]
      }))
    }
    yield* recorder.write(record, place)
    yield* input.json ? Console.log(JSON.stringify(record, null, 2)) : print(figures.table(heads, answers.map(toRow)))
  })
).pipe(Command.withDescription("Simulate what limits a cluster"))

/** A second of it; what is busy is the database. */
const toSample = (cluster: Cluster, { cores, jobsPerSecond }: Outcome): RunRecord.BenchSample => ({
  wallMs: 1000,
  cpuMs: cores * cluster.cores * 1000,
  peakGrowthBytes: 0,
  jobs: Math.round(jobsPerSecond)
})

const heads = [
  "",
  "runners",
  "jobs a second",
  "runners busy",
  "database's cores busy",
  "its lock of notifications busy"
]

const toRow = ({ cluster, name, outcome }: (typeof questions)[number] & { readonly outcome: Outcome }) => [
  name,
  String(cluster.runners),
  Math.round(outcome.jobsPerSecond).toLocaleString("en"),
  ...[outcome.runners, outcome.cores, outcome.lock].map((share) => `${Math.round(share * 100)} %`)
]

if (import.meta.main) main(command)
