import { assert, describe, it } from "@effect/vitest"
import type { RunRecord } from "../../../lib/mod.ts"
import { benchmarks, standing } from "../../../scripts/plots/benchmarks.ts"
import type { Chart } from "../../../scripts/plots/chart.ts"
import { charts } from "../../../scripts/plots/charts.ts"
import { lanes } from "../../../scripts/plots/lanes.ts"
import { memory } from "../../../scripts/plots/memory.ts"
import * as plots from "../../../scripts/plots/plots.ts"
import { svg } from "../../../scripts/plots/svg.ts"
import { runTimes, waitTimes } from "../../../scripts/plots/times.ts"
import { job, runRecord, sample } from "../../shared/records.ts"

const none = { digests: [], benchmarks: [], unreadable: [] }

const of = (...records: ReadonlyArray<RunRecord.RunRecord>) =>
  plots.plots({ ...none, digests: records.map((record) => plots.digest(record)) })

const jobs = [
  job(0, { submittedMs: 0, startedMs: 500, returnedMs: 1500 }),
  job(1, { workerId: 2, submittedMs: 0, startedMs: 250, returnedMs: 2250, status: "failed" })
]
const samples = [sample(0, 100_400_000), { ...sample(1, 200_600_000), atMs: 1234.5 }]
const summary = {
  ...runRecord.summary,
  wallMs: 3000,
  baselineRssBytes: 100.4e6,
  peakRssBytes: 200.6e6,
  rssSlopeBytesPerJob: 80_250_000
}
const run = { ...runRecord, jobs, memory: samples, summary }
const drawn = of(run, { ...run, script: "eager", jobs: [] })

const samplesOf = (...walls: ReadonlyArray<number>) =>
  walls.map((wallMs) => ({ wallMs, cpuMs: 1, peakGrowthBytes: 1, jobs: 1 }))
const { jobs: _, memory: __, summary: ___, ...common } = runRecord
const bench = plots.plots({
  ...none,
  benchmarks: [{
    ...common,
    cases: [{
      name: "noop",
      description: "Nothing",
      subjects: [
        { name: "fast", role: "peer", samples: samplesOf(0.5, 1, 4) },
        { name: "ours", role: "ours", samples: samplesOf(0.25, 1, 1) }
      ]
    }]
  }]
})

describe("charts", () => {
  it("say nothing where there is nothing to draw", () => {
    for (const { describe, id } of charts) assert.strictEqual(describe(of()), "", id)
    assert.strictEqual(runTimes.describe(of({ ...run, jobs: [] })), "")
  })

  it("say what they show", () => {
    assert.deepStrictEqual([memory, lanes, runTimes, waitTimes].map(({ describe }) => describe(drawn)), [
      "lazy began at 100 MB, peaked at 201 MB and grew by 80.3 MB a job; " +
      "eager began at 100 MB, peaked at 201 MB and grew by 80.3 MB a job",
      "lazy: 1 of 2 jobs succeeded, on 2 workers at a time; eager: 0 of 0 jobs succeeded, on 0 workers at a time",
      "lazy: median 1.5 s, most 2 s",
      "lazy: median 0.375 s, most 0.5 s"
    ])
    assert.strictEqual(benchmarks.describe(bench), "noop, jobs per second, more is better: fast 1,000, ours 1,000")
    assert.strictEqual(standing.describe(bench), "noop, ours to fast: 2 times")
    const many = Array.from({ length: 70 }, (_, n) => job(n, { workerId: n }))
    assert.include(lanes.describe(of({ ...run, jobs: many })), "on 64 workers at a time and 6 jobs on further workers")
  })

  it("have their numbers in tables, with their units", () => {
    assert.deepStrictEqual(memory.table(drawn).rows.slice(0, 3), [
      ["lazy", "0.000", "100.400"],
      ["lazy", "1.234", "200.600"],
      ["eager", "0.000", "100.400"]
    ])
    assert.deepStrictEqual(lanes.table(drawn).rows, [
      ["lazy", "1", "0.250", "2.250", "1", "1", "2", "100 %", "1"],
      ["lazy", "2", "0.500", "1.500", "1", "0", "1", "100 %", "0"]
    ])
    const times = runTimes.table(drawn)
    assert.deepStrictEqual(times.head, ["seconds", "lazy", "eager"])
    assert.deepStrictEqual(times.rows.slice(0, 6), [
      ["least", "1", ""],
      ["median", "1.5", ""],
      ["95 %", "1.95", ""],
      ["99 %", "1.99", ""],
      ["most", "2", ""],
      ["0 to 0.1", "0", "0"]
    ])
    assert.deepStrictEqual(times.rows.filter(([, lazy]) => lazy === "1").map(([bin]) => bin), [
      "least",
      "1 to 1.1",
      "2 to 2.1"
    ])
    assert.deepStrictEqual(waitTimes.table(drawn).rows[0], ["least", "0.25", ""])
    const measure = "jobs per second, more is better"
    assert.deepStrictEqual(benchmarks.table(bench).rows, [
      ["noop", "fast", measure, "1,000", "250", "2,000", "3"],
      ["noop", "ours", measure, "1,000", "1,000", "4,000", "3"]
    ])
    assert.deepStrictEqual(standing.table(bench).rows, [["noop", "ours to fast", "2", "1", "4", "3"]])
  })

  it("name no worker in the row of several jobs, for there can be several", () => {
    const many = Array.from({ length: 4000 }, (_, n) => job(n, { startedMs: n, returnedMs: n + 0.5 }))
    const [, , , , count, , worker, busy] = lanes.table(of({ ...run, jobs: many })).rows[0]!
    assert.deepStrictEqual([count, worker, busy], ["2", "", "67 %"])
  })

  it("draw each run's own numbers, and its workers under those of the runs before", () => {
    const later = of(run, { ...run, script: "eager", jobs: jobs.slice(0, 1) })
    const seriesOf = ({ option }: Chart) => option(later)["series"] as ReadonlyArray<{ readonly data: Array<any> }>
    assert.deepStrictEqual(seriesOf(lanes).map(({ data }) => data.map(([, , row]) => row)), [[0, 1], [2]])
    assert.deepStrictEqual<unknown>(seriesOf(runTimes).map(({ data }) => data), later.runTimes.counts)
    assert.notDeepEqual(later.runTimes.counts[0], later.runTimes.counts[1])
    const blocks = svg(lanes, drawn).match(/fill="none"[^>]* stroke="#1b9e77"/g)
    assert.lengthOf(blocks!, 1, "hollow is the job that failed")
  })

  it("have room for what they draw", () => {
    assert.deepStrictEqual([of(run), drawn, of(run, run)].map(lanes.heightPx), [166, 166, 202])
    const twoBenches = { ...bench, benches: [...bench.benches, ...bench.benches] }
    assert.deepStrictEqual([bench, twoBenches].map(benchmarks.heightPx), [134, 268])
    for (const chart of charts) {
      const text = svg(chart, chart === standing || chart === benchmarks ? bench : drawn)
      assert.match(text, /^<svg .*height="\d+".*<\/svg>\n$/s, chart.id)
      assert.notMatch(text, /NaN|undefined|class=/, chart.id)
    }
  })
})
