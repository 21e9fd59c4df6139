/** Records and their parts, made up. */
import type { RunRecord } from "../../lib/mod.ts"

export const environment: RunRecord.Environment = {
  node: "26.10.0",
  v8: "14.6",
  effect: "4.1.0",
  platform: "linux",
  arch: "x64",
  cpu: "a fine one",
  cores: 4,
  memoryBytes: 8_000_000_000,
  commit: null
}

export const sample = (finishedJobs: number, rssBytes: number, maxRssBytes = rssBytes): RunRecord.MemorySample => ({
  atMs: finishedJobs * 10,
  rssBytes,
  maxRssBytes,
  heapUsedBytes: 1000,
  arrayBuffersBytes: 1000,
  finishedJobs
})

export const job = (number: number, part: Partial<RunRecord.JobRecord> = {}): RunRecord.JobRecord => ({
  job: number,
  workerId: 1,
  status: "succeeded",
  submittedMs: 0,
  startedMs: 1,
  returnedMs: 2,
  cpuMs: 1,
  resultBytes: 80,
  ...part
})

export const runRecord: RunRecord.RunRecord = {
  version: 1,
  script: "lazy",
  status: "completed",
  startedAt: "2026-11-23T07:41:30.123Z",
  finishedAt: "2026-11-23T07:41:31.123Z",
  environment,
  parameters: { jobs: 2, count: 10, workers: 1, executor: "thread" },
  jobs: [job(0), job(1)],
  memory: [sample(0, 1000), sample(1, 1000), sample(2, 1000)],
  summary: {
    wallMs: 1000,
    cpuMs: 10,
    jobsPerSecond: 2,
    parallelEfficiency: 0.002,
    baselineRssBytes: 1000,
    peakRssBytes: 1000,
    rssSlopeBytesPerJob: 0
  }
}
