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
const held = (name: string, role: "ours" | "peer" | undefined, heldBytes: number, jobs?: number) => ({
  name,
  ...(role && { role }),
  samples: [{ wallMs: 1, cpuMs: 1, peakGrowthBytes: 1, heldBytes, ...(jobs && { jobs }) }]
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

  it("draws no job that did not begin, and calls one that failed so also in a run that goes on", () => {
    const { startedMs: _, ...queued } = job(0, { status: "interrupted" })
    const jobs = [queued, job(1, { status: "failed" })]
    const { lanes } = plots.digest({ ...runRecord, jobs }, true).lanes
    assert.deepStrictEqual(lanes.map((lane) => lane.map(({ firstJob, unsuccessful }) => [firstJob, unsuccessful])), [
      [[1, 1]]
    ])
  })

  it("draws jobs in the order in which they began, one lane for those of which each begins as another ends", () => {
    const jobs = [
      job(0, { workerId: 2, startedMs: 10, returnedMs: 20 }),
      job(1, { workerId: 1, startedMs: 5, returnedMs: 10 }),
      job(2, { workerId: 1, startedMs: 0, returnedMs: 5 })
    ]
    const { lanes } = plots.digest({ ...runRecord, jobs }).lanes
    assert.deepStrictEqual(lanes.map((lane) => lane.map(({ firstJob }) => firstJob)), [[2, 1, 0]])
  })

  it("draws a job that is said to have begun after the end of its run", () => {
    const { returnedMs: _, ...begun } = job(0, { status: "killed", startedMs: 2000 })
    const { lanes } = plots.digest({ ...runRecord, jobs: [begun] }).lanes
    assert.deepInclude(lanes[0]![0]!, { from: 2, to: 2, busy: 1 })
  })

  it("says of many short jobs in one span how many there were, how busy their worker was and how many failed", () => {
    const jobs = Array.from({ length: 8000 }, (_, n) =>
      job(n, {
        workerId: n % 2,
        startedMs: n * 2,
        returnedMs: n * 2 + 1,
        status: n % 4 === 0 ? "failed" : "succeeded"
      }))
    const { lanes } = plots.digest({ ...runRecord, jobs }).lanes
    assert.lengthOf(lanes, 2)
    const spans = lanes.flat()
    assert.isAtMost(spans.length, 3002)
    assert.isAtLeast(spans.length, 2000)
    assert.strictEqual(sum(spans.map(({ jobs }) => jobs)), 8000)
    assert.deepStrictEqual(lanes.map((lane) => sum(lane.map(({ unsuccessful }) => unsuccessful))), [2000, 0])
    for (const { busy, firstJob, from, jobs, to } of spans) {
      assert.strictEqual(from, firstJob * 2 / 1000)
      assert.closeTo(to, (firstJob * 2 + (jobs - 1) * 4 + 1) / 1000, 1e-9)
      assert.closeTo(busy, jobs / (to - from) / 1000, 1e-9)
    }
    const overlapping = jobs.map((each, n) => ({ ...each, workerId: 1, returnedMs: 30_000 - n }))
    for (const { busy, firstJob, to } of plots.digest({ ...runRecord, jobs: overlapping }).lanes.lanes.flat()) {
      assert.deepStrictEqual([busy, to], [1, (30_000 - firstJob) / 1000])
    }
  })

  it("draws one point of a sample that is the high-water mark itself", () => {
    const memory = [sample(0, 100e6, 100e6), sample(1, 300e6, 300e6)]
    assert.deepStrictEqual(plots.digest({ ...runRecord, memory }).memory, [[0, 100], [0.01, 300]])
  })

  it("keeps of many samples each that stands out, in the order of time", () => {
    const flat = Array.from({ length: 5000 }, (_, n) => sample(n, 200e6, 900e6))
    assert.lengthOf(plots.digest({ ...runRecord, memory: flat }).memory, 500)
    for (let n = 100; n < 120; n++) {
      for (const [first, second] of [[700e6, 100e6], [100e6, 700e6]] as const) {
        const memory = flat.with(n, sample(n, first, 900e6)).with(n + 1, sample(n + 1, second, 900e6))
        const drawn = plots.digest({ ...runRecord, memory }).memory
        assert.isAtMost(drawn.length, 1000)
        const points = ([[n, first], [n + 1, second]] as const).map(([at, bytes]) => [at / 100, bytes / 1e6] as const)
        assert.deepStrictEqual(drawn.filter(([, mb]) => mb !== 200), points)
        assert.deepStrictEqual(drawn, drawn.toSorted(([a], [b]) => a - b))
      }
    }
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

  it("tells how long jobs ran and waited, of those that did, in bins of one width", () => {
    const { returnedMs: _, ...running } = job(100, { submittedMs: 0, startedMs: 200 })
    const jobs = Array.from({ length: 100 }, (_, n) => job(n, { submittedMs: 5, startedMs: 25, returnedMs: 125 - n }))
    const { runTimes, waitTimes } = plots.plots({
      digests: [plots.digest({ ...runRecord, jobs: [...jobs, running] }), plots.digest({ ...runRecord, jobs: [] })],
      benchmarks: [],
      unreadable: []
    })
    for (const [n, ms] of [1, 50.5, 95.05, 99.01, 100].entries()) {
      assert.closeTo(runTimes.quantiles[0]![n]!, ms / 1000, 1e-9)
    }
    assert.deepStrictEqual([runTimes.quantiles[1], waitTimes.quantiles[0]], [[], [0.02, 0.02, 0.02, 0.02, 0.2]])
    assert.deepStrictEqual(runTimes.counts.map(sum), [100, 0])
    assert.deepStrictEqual(waitTimes.counts.map(sum), [101, 0])
    const { counts: [counts], edges } = runTimes
    assert.lengthOf(edges, 22)
    for (const [n, edge] of edges.entries()) assert.closeTo(edge, n * 5 / 1000, 1e-9)
    assert.deepStrictEqual(counts, [4, ...Array(19).fill(5), 1], "a job belongs to the bin that begins with its time")
  })

  it("sets figures beside those of lazy, and counts what succeeded", () => {
    const eager = {
      ...runRecord,
      script: "eager",
      jobs: ["succeeded", "killed", "failed"].map((status, n) =>
        job(n, { status: status as RunRecord.JobRecord["status"] })
      )
    }
    const lazy = { ...runRecord, summary: { ...runRecord.summary, wallMs: 4000 } }
    const { runs } = plots.plots({
      digests: [eager, lazy].map((each) => plots.digest(each)),
      benchmarks: [],
      unreadable: []
    })
    assert.deepStrictEqual(runs.map(({ figures }) => figures[0]), ["1.0 s  0.25×", "4.0 s  1.00×"])
    assert.deepStrictEqual(runs[0]!.jobs, { all: 3, succeeded: 1 })
    assert.deepStrictEqual([runs[0]!.record.jobs, runs[0]!.record.memory], [[], []], "a page has no use for them")
  })

  it("tells where benchmarks took place", () => {
    const bench = { ...common, script: "bench", cases: [] }
    const { environment, script, startedAt } = bench
    assert.deepStrictEqual(plots.plots({ digests: [], benchmarks: [bench], unreadable: [] }).places, [
      { environment, script, startedAt }
    ])
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
  it("says what its numbers are, takes who has no role for a peer, and has no advantage over nothing", () => {
    const [memory, perJob, nothing, toSome, rate] = benchesOf({
      ...common,
      cases: [
        caseOf([held("a", undefined, 40e6), held("ours", "ours", 20e6)]),
        caseOf([held("a", "peer", 4000, 2)]),
        caseOf([held("a", "peer", 0), held("ours", "ours", 20e6), held("also ours", "ours", 0)]),
        caseOf([held("a", "peer", 20e6), held("ours", "ours", 0)]),
        caseOf([subject("ours", "ours", [{ wallMs: 100, jobs: 30 }])])
      ]
    })
    assert.strictEqual(memory!.measure, "memory held, MB, less is better")
    assert.deepStrictEqual(memory!.subjects.map(({ middle, role }) => [middle, role]), [[40, "peer"], [20, "ours"]])
    assert.strictEqual(perJob!.measure, "memory held per job, bytes, less is better")
    assert.deepStrictEqual(perJob!.subjects.map(({ middle }) => middle), [2000])
    assert.deepStrictEqual([nothing!.advantages, toSome!.advantages], [[], []])
    assert.strictEqual(rate!.measure, "jobs per second, more is better")
  })
})
