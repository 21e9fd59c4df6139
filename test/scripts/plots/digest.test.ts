import { assert, describe, it } from "@effect/vitest"
import type { RunRecord } from "../../../lib/mod.ts"
import { benchesOf } from "../../../scripts/plots/benchesOf.ts"
import { lanes } from "../../../scripts/plots/lanes.ts"
import * as plots from "../../../scripts/plots/plots.ts"
import { job, runRecord, sample } from "../../shared/records.ts"

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, number) => sum + number, 0)

const subject = (name: string, role: "ours" | "peer", samples: ReadonlyArray<{ wallMs: number; jobs?: number }>) => ({
  name,
  role,
  samples: samples.map((each) => ({ cpuMs: 1, peakGrowthBytes: 1, ...each }))
})
const caseOf = (subjects: RunRecord.BenchCase["subjects"]) => ({ name: "a case", description: "", subjects })
const { jobs: _, memory: __, summary: ___, ...common } = runRecord

describe("digest", () => {
  it("draws the peak of the high-water mark, which no sample met", () => {
    const memory = [sample(0, 100e6, 250e6), sample(1, 200e6, 250e6), sample(2, 150e6, 400e6), sample(3, 180e6, 400e6)]
    const drawn = plots.digest({ ...runRecord, memory }).memory
    assert.deepStrictEqual(drawn, [[0, 100], [0.01, 200], [0.02, 400], [0.02, 150], [0.03, 180]])
  })

  it("keeps a worker on its lane, and gives the lane to the one that takes its place", () => {
    const jobs = [
      job(0, { workerId: 4, startedMs: 0, returnedMs: 10 }),
      job(1, { workerId: 5, startedMs: 1, returnedMs: 30 }),
      job(2, { workerId: 6, startedMs: 12, returnedMs: 20, status: "failed" }),
      job(3, { workerId: 5, startedMs: 31, returnedMs: 40 })
    ]
    const { lanes, omittedJobs } = plots.digest({ ...runRecord, jobs }).lanes
    assert.deepStrictEqual(lanes.map((lane) => lane.map(({ firstJob }) => firstJob)), [[0, 2], [1, 3]])
    assert.deepStrictEqual(lanes[0]!.map(({ unsuccessful, worker }) => [worker, unsuccessful]), [[4, 0], [6, 1]])
    assert.strictEqual(omittedJobs, 0)
  })

  it("draws a job that did not return to the run's end, and counts it as running in one that goes on", () => {
    const { returnedMs: _, ...begun } = job(0, { status: "killed", startedMs: 5 })
    const record = { ...runRecord, jobs: [begun], summary: { ...runRecord.summary, wallMs: 70 } }
    assert.deepInclude(plots.digest(record).lanes.lanes[0]![0]!, { from: 0.005, to: 0.07, unsuccessful: 1 })
    assert.deepInclude(plots.digest(record, true).lanes.lanes[0]![0]!, { to: 0.07, unsuccessful: 0 })
  })

  it("takes bounded room for records that are made to take much", () => {
    const everyoneAtOnce = Array.from(
      { length: 20_000 },
      (_, n) => job(n, { workerId: n, startedMs: 0, returnedMs: 9 })
    )
    const { lanes, omittedJobs } = plots.digest({ ...runRecord, jobs: everyoneAtOnce }).lanes
    assert.strictEqual(sum(lanes.flat().map(({ jobs }) => jobs)) + omittedJobs, 20_000)
    assert.isAtMost(lanes.length, 64)
    const oneTwentyThousandTimes = everyoneAtOnce.map((each) => ({ ...each, workerId: 1 }))
    assert.isAtMost(plots.digest({ ...runRecord, jobs: oneTwentyThousandTimes }).lanes.lanes.flat().length, 3000)
  })
})

describe("plots", () => {
  it("counts every job once, also the one that took longest", () => {
    const jobs = [1, 2, 3, 50, 100].map((ms, n) => job(n, { submittedMs: 0, startedMs: 0, returnedMs: ms }))
    const { runTimes } = plots.plots({
      digests: [plots.digest({ ...runRecord, jobs })],
      benchmarks: [],
      unreadable: []
    })
    assert.strictEqual(sum(runTimes.counts[0]!), 5)
    const [least, median, , , most] = runTimes.quantiles[0]!
    assert.deepStrictEqual([least, median, most], [0.001, 0.003, 0.1])
  })

  it("says of one job on one worker what it says of many", () => {
    const record = { ...runRecord, jobs: [job(0)] }
    assert.strictEqual(
      lanes.describe(plots.plots({ digests: [plots.digest(record)], benchmarks: [], unreadable: [] })),
      "lazy: 1 of 1 job succeeded, on 1 worker at a time"
    )
  })

  it("tells runs of one script apart, also those that began together", () => {
    const later = { ...runRecord, startedAt: "2026-11-24T07:41:30.123Z" }
    const digests = [{ ...runRecord, script: "eager" }, runRecord, later, later].map((record) => plots.digest(record))
    assert.deepStrictEqual(plots.plots({ digests, benchmarks: [], unreadable: [] }).runs.map(({ label }) => label), [
      "eager",
      `lazy ${runRecord.startedAt}`,
      `lazy ${later.startedAt}`,
      `lazy ${later.startedAt} (2)`
    ])
    const { digests: newest } = plots.newest({ digests, benchmarks: [], unreadable: [] })
    assert.deepStrictEqual(newest.map(({ record }) => record.startedAt), [runRecord.startedAt, later.startedAt])
  })

  it("shows the newest benchmark of each script", () => {
    const bench = { ...common, script: "bench", cases: [] }
    const later = { ...bench, startedAt: "2026-11-24T07:41:30.123Z" }
    const scale = { ...bench, script: "scale" }
    const { benchmarks } = plots.newest({ digests: [], benchmarks: [bench, later, scale], unreadable: [] })
    assert.deepStrictEqual(benchmarks, [later, scale])
  })
})

describe("benchesOf", () => {
  it("calls more of what is better an advantage, whether that is jobs per second or time", () => {
    const cases = [
      caseOf([
        subject("ours", "ours", [{ wallMs: 100, jobs: 30 }, { wallMs: 100, jobs: 20 }]),
        subject("slow", "peer", [{ wallMs: 100, jobs: 1 }, { wallMs: 100, jobs: 1 }]),
        subject("fast", "peer", [{ wallMs: 100, jobs: 10 }, { wallMs: 100, jobs: 10 }])
      ]),
      caseOf([
        subject("ours", "ours", [{ wallMs: 400 }]),
        subject("fast", "peer", [{ wallMs: 100 }]),
        subject("without a number", "peer", [])
      ])
    ]
    const [rate, time] = benchesOf({ ...common, cases })
    assert.deepInclude(rate!.advantages[0]!, { name: "ours to fast", least: 2, most: 3, middle: 2.5 })
    assert.deepStrictEqual(rate!.subjects.map(({ middle, name }) => [name, middle]), [
      ["ours", 250],
      ["slow", 10],
      ["fast", 100]
    ])
    assert.deepInclude(time!.advantages[0]!, { name: "ours to fast", middle: 0.25 })
    assert.deepStrictEqual(time!.subjects.map(({ name }) => name), ["ours", "fast"])
  })
})
