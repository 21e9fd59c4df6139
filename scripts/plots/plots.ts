/**
 * What charts are drawn from: of each record as much as can be seen, however much it holds.
 *
 * Plain data, so that it can be handed to a page as JSON.
 */
import type { RunRecord } from "../../lib/mod.ts"
import * as figures from "../shared/figures.ts"
import { type Bench, benchesOf } from "./benchesOf.ts"
import { type Histogram, histogram } from "./histogram.ts"
import { type Lanes, lanesOf } from "./lanesOf.ts"
import { memoryOf, type Point } from "./memoryOf.ts"

export interface Plots {
  readonly runs: ReadonlyArray<Run>
  readonly runTimes: Histogram
  readonly waitTimes: Histogram
  readonly benches: ReadonlyArray<Bench>
  /** Of the benchmarks. */
  readonly places: ReadonlyArray<Pick<RunRecord.BenchRecord, "script" | "startedAt" | "environment">>
  /** The heads of each run's `figures`. */
  readonly figures: ReadonlyArray<string>
  readonly unreadable: ReadonlyArray<Unreadable>
}

export interface Run {
  /** Its script, with its start where a script stands for several runs. */
  readonly label: string
  readonly status: RunRecord.Status | "running"
  /** Its record, without jobs and samples. */
  readonly record: RunRecord.RunRecord
  readonly jobs: { readonly all: number; readonly succeeded: number }
  readonly figures: ReadonlyArray<string>
  /** Resident memory over time; its maximum is the record's peak. */
  readonly memory: ReadonlyArray<Point>
  readonly lanes: Lanes
}

export interface Unreadable {
  readonly file: string
  readonly reason: string
}

/** What is kept of a run's record. */
export interface Digest {
  readonly isRunning: boolean
  /** Without jobs and samples. */
  readonly record: RunRecord.RunRecord
  readonly jobs: Run["jobs"]
  readonly memory: ReadonlyArray<Point>
  readonly lanes: Lanes
  /** In seconds, sorted. */
  readonly runTimes: Float64Array
  readonly waitTimes: Float64Array
}

/** What some records hold. */
export interface Contents {
  readonly digests: ReadonlyArray<Digest>
  readonly benchmarks: ReadonlyArray<RunRecord.BenchRecord>
  readonly unreadable: ReadonlyArray<Unreadable>
}

/** Takes from a record what is drawn of it; the record itself can go. */
export const digest = (record: RunRecord.RunRecord, isRunning = false): Digest => {
  const { jobs } = record
  const succeeded = jobs.filter(({ status }) => status === "succeeded").length
  return {
    isRunning,
    record: { ...record, jobs: [], memory: [] },
    jobs: { all: jobs.length, succeeded },
    memory: memoryOf(record.memory),
    lanes: lanesOf(record, isRunning),
    runTimes: times(jobs, ({ returnedMs, startedMs }) => returnedMs! - startedMs!),
    waitTimes: times(jobs, ({ startedMs, submittedMs }) => startedMs! - submittedMs)
  }
}

/** All that several contents hold. */
export const merge = (all: ReadonlyArray<Contents>): Contents => ({
  digests: all.flatMap(({ digests }) => digests),
  benchmarks: all.flatMap(({ benchmarks }) => benchmarks),
  unreadable: all.flatMap(({ unreadable }) => unreadable)
})

/** The newest run, or benchmark, of each script. */
export const newest = ({ benchmarks, digests, unreadable }: Contents): Contents => ({
  digests: lastToStart(digests, ({ record }) => record),
  benchmarks: lastToStart(benchmarks, (record) => record),
  unreadable
})

const lastToStart = <A>(
  all: ReadonlyArray<A>,
  recordOf: (a: A) => { readonly script: string; readonly startedAt: string }
): Array<A> =>
  [...Map.groupBy(all, (each) => recordOf(each).script).values()].flatMap((same) =>
    same.toSorted((a, b) => recordOf(a).startedAt < recordOf(b).startedAt ? -1 : 1).slice(-1)
  )

export const plots = ({ benchmarks, digests, unreadable }: Contents): Plots => {
  const lazy = digests.find(({ record }) => record.script === "lazy")?.record
  const labels = labelsOf(digests)
  return {
    runs: digests.map(({ isRunning, jobs, lanes, memory, record }, n) => ({
      label: labels[n]!,
      status: isRunning ? "running" : record.status,
      record,
      jobs,
      figures: figures.cells(record, lazy),
      memory,
      lanes
    })),
    runTimes: histogram(digests.map(({ runTimes }) => runTimes)),
    waitTimes: histogram(digests.map(({ waitTimes }) => waitTimes)),
    benches: benchmarks.flatMap(benchesOf),
    places: benchmarks.map(({ environment, script, startedAt }) => ({ script, startedAt, environment })),
    figures: figures.heads,
    unreadable
  }
}

const labelsOf = (digests: ReadonlyArray<Digest>): Array<string> => {
  const taken = new Map<string, number>()
  const scripts = Map.groupBy(digests, ({ record }) => record.script)
  return digests.map(({ record: { script, startedAt } }) => {
    const label = scripts.get(script)!.length === 1 ? script : `${script} ${startedAt}`
    const times = (taken.get(label) ?? 0) + 1
    taken.set(label, times)
    return times === 1 ? label : `${label} (${times})`
  })
}

const times = (jobs: ReadonlyArray<RunRecord.JobRecord>, ms: (job: RunRecord.JobRecord) => number): Float64Array =>
  Float64Array.from(jobs, (job) => ms(job) / 1000).filter((seconds) => !Number.isNaN(seconds)).toSorted()
