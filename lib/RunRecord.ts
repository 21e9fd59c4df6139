/**
 * The record of one run: what ran where and when, what the memory did, and the figures that follow from it.
 *
 * A name carries its unit. Times in `Ms` are milliseconds since `startedAt`; durations are milliseconds; sizes are bytes.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { linearRegression } from "simple-statistics"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
/** An ISO 8601 time in UTC, to the millisecond. */
export const Timestamp = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u, { expected: "an ISO 8601 time in UTC" }),
  // A 30th of February is parsed, as a day in March.
  Schema.makeFilter((time: string) => new Date(Date.parse(time) || 0).toISOString() === time, {
    expected: "a time that exists"
  })
)

/** How a run ended; "killed" is a run that did not get to say so. */
export const Status = Schema.Literals(["completed", "interrupted", "failed", "killed"])
export type Status = typeof Status.Type

/** The status of a run that ended with `exit`. */
export const statusOf = (exit: Exit.Exit<unknown, unknown>): Status =>
  Exit.isSuccess(exit) ? "completed" : Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "failed"

/** Where a run took place. */
export const Environment = Schema.Struct({
  node: Schema.String,
  v8: Schema.String,
  effect: Schema.String,
  platform: Schema.String,
  arch: Schema.String,
  cpu: Schema.String,
  cores: Count,
  memoryBytes: Count,
  /** The commit of this repository, with "-dirty" where files had changed; null outside a repository. */
  commit: Schema.NullOr(Schema.String)
})
export type Environment = typeof Environment.Type

/** What a run was asked for, by the names of its flags. */
export const Parameters = Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean]))
export type Parameters = typeof Parameters.Type

/** One job. What it did not get to is absent. */
export const JobRecord = Schema.Struct({
  /** From 0, in the order of submission. */
  job: Count,
  workerId: Schema.optionalKey(Count),
  status: Schema.Literals(["succeeded", "failed", "interrupted", "killed"]),
  submittedMs: Amount,
  startedMs: Schema.optionalKey(Amount),
  returnedMs: Schema.optionalKey(Amount),
  /** CPU time of the worker while it ran the job. */
  cpuMs: Schema.optionalKey(Amount),
  resultBytes: Count,
  /** Why it failed. */
  error: Schema.optionalKey(Schema.String),
  /** The address of the runner that ran it, on a cluster. */
  runner: Schema.optionalKey(Schema.String),
  /** Whether its result was there before it was asked for, under its key. */
  takenOver: Schema.optionalKey(Schema.Boolean)
})
export type JobRecord = typeof JobRecord.Type

/** The memory of the process that ran the program, not of others in which jobs ran, and how many jobs had ended. */
export const MemorySample = Schema.Struct({
  atMs: Amount,
  rssBytes: Count,
  maxRssBytes: Count,
  heapUsedBytes: Count,
  /** Those that its main thread has made; results that came from workers are resident alone. */
  arrayBuffersBytes: Count,
  finishedJobs: Count
})
export type MemorySample = typeof MemorySample.Type

/** The figures of a run. */
export const Summary = Schema.Struct({
  wallMs: Amount,
  /** Of the whole process, and of the jobs that ran in other processes, also those of a cluster. */
  cpuMs: Amount,
  /** Of those that succeeded, over `wallMs`. */
  jobsPerSecond: Amount,
  /** CPU time spent in jobs over `wallMs` times the lesser of workers and cores. */
  parallelEfficiency: Amount,
  /** Resident when the workers were up and no job had run. */
  baselineRssBytes: Count,
  /** The most that was resident since. */
  peakRssBytes: Count,
  /**
   * The least-squares slope of resident memory over finished jobs while the pool was full: over the samples by which as
   * many jobs as there are workers had finished and as many were left, or over all where those are too few for a line.
   */
  rssSlopeBytesPerJob: Schema.Finite
})
export type Summary = typeof Summary.Type

const common = {
  version: Schema.Literal(1),
  script: Schema.NonEmptyString,
  status: Status,
  startedAt: Timestamp,
  finishedAt: Timestamp,
  environment: Environment,
  parameters: Parameters
}

/** The record of one run, as it stands in a result file. */
export const RunRecord = Schema.Struct({
  ...common,
  jobs: Schema.Array(JobRecord),
  memory: Schema.Array(MemorySample),
  summary: Summary
}).annotate({ identifier: "RunRecord" })
export type RunRecord = typeof RunRecord.Type

/** The record of several runs that were made to be compared. */
export const ComparisonRecord = Schema.Struct({
  ...common,
  runs: Schema.Array(RunRecord)
}).annotate({ identifier: "ComparisonRecord" })
export type ComparisonRecord = typeof ComparisonRecord.Type

/** One sample of a benchmark. */
export const BenchSample = Schema.Struct({
  wallMs: Amount,
  cpuMs: Amount,
  /** The most that was resident, less what was before. */
  peakGrowthBytes: Count,
  /** How many jobs were done, where each sample does as many as it has time for. */
  jobs: Schema.optionalKey(Count),
  /** What was still resident when all had come to rest, less what was before. */
  heldBytes: Schema.optionalKey(Count)
})
export type BenchSample = typeof BenchSample.Type

/** The samples of those who did the same work; the others are compared with the first, sample by sample. */
export const BenchCase = Schema.Struct({
  name: Schema.String,
  description: Schema.String,
  subjects: Schema.Array(Schema.Struct({
    name: Schema.String,
    /** A floor is what there is at least to pay; ours are compared with the best of the peers. */
    role: Schema.optionalKey(Schema.Literals(["floor", "peer", "ours"])),
    samples: Schema.Array(BenchSample)
  }))
})
export type BenchCase = typeof BenchCase.Type

/** The record of a benchmark. */
export const BenchRecord = Schema.Struct({
  ...common,
  cases: Schema.Array(BenchCase)
}).annotate({ identifier: "BenchRecord" })
export type BenchRecord = typeof BenchRecord.Type

/** Whatever a result file can hold. */
export const ResultFile = Schema.Union([RunRecord, ComparisonRecord, BenchRecord])
export type ResultFile = typeof ResultFile.Type

/** What a {@link Summary} is made of. */
export interface Facts {
  readonly parameters: Parameters
  readonly environment: Environment
  readonly wallMs: number
  readonly cpuMs: number
  readonly jobs: ReadonlyArray<JobRecord>
  /** In the order of time; the first is the baseline. */
  readonly memory: ReadonlyArray<MemorySample>
}

/** Works the figures out. */
export const summarize = ({ cpuMs, environment, jobs, memory, parameters, wallMs }: Facts): Summary => {
  const workers = typeof parameters["workers"] === "number" ? parameters["workers"] : environment.cores
  const whilePoolWasFull = memory.filter(({ finishedJobs }) =>
    finishedJobs >= workers && finishedJobs <= jobs.length - workers
  )
  const cpuMsInJobs = jobs.reduce((sum, job) => sum + (job.takenOver === true ? 0 : job.cpuMs ?? 0), 0)
  return {
    wallMs,
    cpuMs,
    jobsPerSecond: over(jobs.filter((job) => job.status === "succeeded").length, wallMs / 1000),
    parallelEfficiency: over(cpuMsInJobs, wallMs * Math.min(workers, environment.cores)),
    baselineRssBytes: memory[0]?.rssBytes ?? 0,
    peakRssBytes: peakRss(memory),
    rssSlopeBytesPerJob: rssSlope(whilePoolWasFull) ?? rssSlope(memory) ?? 0
  }
}

/** A rate; zero for a run that took no time. */
const over = (amount: number, time: number) => time > 0 ? amount / time : 0

/** The system's own high-water mark, if it rose since the baseline; else it is older than the run. */
const peakRss = (memory: ReadonlyArray<MemorySample>): number => {
  const before = memory[0]?.maxRssBytes
  const peakOf = (sample: MemorySample) => sample.maxRssBytes === before ? sample.rssBytes : sample.maxRssBytes
  return memory.reduce((peak, sample) => Math.max(peak, peakOf(sample)), 0)
}

const rssSlope = (memory: ReadonlyArray<MemorySample>): number | undefined => {
  if (new Set(memory.map((sample) => sample.finishedJobs)).size < 2) return undefined
  return linearRegression(memory.map((sample) => [sample.finishedJobs, sample.rssBytes])).m
}
