import { assert, describe, it } from "@effect/vitest"
import type { RunRecord } from "../../../lib/mod.ts"
import * as changes from "../../../scripts/review/changes.ts"
import { runRecord } from "../../shared/records.ts"

const run = (summary: Partial<RunRecord.Summary>, parameters: RunRecord.Parameters = { count: 1_000_000 }) => ({
  ...runRecord,
  parameters,
  summary: { ...runRecord.summary, wallMs: 20_000, peakRssBytes: 400e6, parallelEfficiency: 0.9, ...summary }
})

const rowOf = (rows: ReadonlyArray<changes.Row>, figure: string) => rows.find((row) => row.figure === figure)!

describe("ofRuns", () => {
  it("sets each figure of each run beside the first's, with its change", () => {
    const rows = changes.ofRuns("lazy", [run({}), run({ wallMs: 25_000 }), run({ wallMs: 10_000 })])
    assert.deepStrictEqual(rows.map(({ of }) => of), rows.map(() => "lazy"))
    assert.deepStrictEqual<unknown>(rowOf(rows, "wall").cells, [
      { value: 20_000, shown: "20.0 s", change: "" },
      { value: 25_000, shown: "25.0 s", change: "+25.0 %", worse: 0.25 },
      { value: 10_000, shown: "10.0 s", change: "-50.0 %", worse: -0.5 }
    ])
  })

  it("takes less efficiency for worse", () => {
    const rows = changes.ofRuns("lazy", [run({}), run({ parallelEfficiency: 0.45 })])
    assert.strictEqual(rowOf(rows, "efficiency").cells[1]!.change, "-50.0 %")
    assert.strictEqual(rowOf(rows, "efficiency").cells[1]!.worse, 0.5)
  })

  it("holds a slope against the peak that it comes to, for its ratio to about nothing says nothing", () => {
    const slopes = [-1000, 20e6].map((rssSlopeBytesPerJob) => run({ rssSlopeBytesPerJob }))
    const { change, worse } = rowOf(changes.ofRuns("lazy", slopes), "slope per job").cells[1]!
    assert.strictEqual(change, "+20 MB")
    assert.approximately(worse!, 2 * 20e6 / 400e6, 0.001)
    assert.isUndefined(rowOf(changes.ofRuns("lazy", slopes), "slope in arrays").cells[1]!.worse)
  })

  it("leaves empty what a run does not tell, and what a record does not have", () => {
    const rows = changes.ofRuns("lazy", [run({}, { count: "many" }), undefined])
    const ofNoSines = changes.ofRuns("lazy", [run({ rssSlopeBytesPerJob: 1 }, { count: 0 })])
    for (const row of [rows, ofNoSines].map((each) => rowOf(each, "slope in arrays"))) {
      assert.deepStrictEqual(row.cells[0], { shown: "", change: "" })
    }
    for (const { cells } of rows) assert.deepStrictEqual(cells[1], { shown: "", change: "" })
  })

  it("calls something from nothing worse than any share", () => {
    const { change, worse } = rowOf(changes.ofRuns("lazy", [run({ cpuMs: 0 }), run({ cpuMs: 1 })]), "CPU").cells[1]!
    assert.deepStrictEqual([change, worse], ["from 0", Number.POSITIVE_INFINITY])
    const same = rowOf(changes.ofRuns("lazy", [run({ cpuMs: 0 }), run({ cpuMs: 0 })]), "CPU").cells[1]!
    assert.deepStrictEqual([same.change, same.worse], ["0.0 %", 0])
  })
})

/** A case in which `ours` takes these times as long as `theirs`, round by round. */
const benchCase = (ratios: ReadonlyArray<number>, base = "theirs"): RunRecord.BenchCase => ({
  name: "start",
  description: "",
  subjects: [
    { name: base, samples: ratios.map((_, n) => ({ wallMs: 100 + n, cpuMs: 1, peakGrowthBytes: 1e6 })) },
    { name: "ours", samples: ratios.map((ratio, n) => ({ wallMs: (100 + n) * ratio, cpuMs: 1, peakGrowthBytes: 1e6 })) }
  ]
})

const before = [0.5, 0.51, 0.52, 0.53, 0.54]

/** A case of rates: ours beside 1,000 jobs per second. */
const rates = (jobs: number): RunRecord.BenchCase => ({
  name: "noop",
  description: "",
  subjects: ["theirs", "ours"].map((name) => ({
    name,
    samples: before.map((more) => ({
      wallMs: 1000,
      cpuMs: 1,
      peakGrowthBytes: 0,
      jobs: name === "ours" ? jobs + Math.round(more * 10) : 1000
    }))
  }))
})

describe("ofCases", () => {
  it("gives medians with their spread, and no ratio of the first subject to itself", () => {
    const rows = changes.ofCases([benchCase(before), benchCase(before)])
    assert.deepStrictEqual(rows.map(({ figure }) => figure), [
      "theirs: peak growth",
      "ours: time, ratio",
      "ours: peak growth"
    ])
    const [first, second] = rowOf(rows, "ours: time, ratio").cells
    assert.strictEqual(first!.shown, "0.52× (0.50× to 0.54×)")
    assert.strictEqual(first!.change, "")
    assert.approximately(first!.value!, 0.52, 1e-9)
    assert.approximately(first!.spread!.least, 0.5, 1e-9)
    assert.approximately(first!.spread!.most, 0.54, 1e-9)
    assert.strictEqual(second!.change, "no change")
    assert.isUndefined(second!.worse)
  })

  it("calls a change only where the spreads say so", () => {
    const apart = changes.ofCases([benchCase(before), benchCase(before.map((ratio) => ratio * 1.5))])
    assert.strictEqual(rowOf(apart, "ours: time, ratio").cells[1]!.change, "+50.0 %")
    assert.approximately(rowOf(apart, "ours: time, ratio").cells[1]!.worse!, 0.5, 1e-9)
    const overlapping = changes.ofCases([benchCase(before), benchCase([0.53, 0.6, 0.6, 0.6, 0.6])])
    assert.strictEqual(rowOf(overlapping, "ours: time, ratio").cells[1]!.change, "no change")
  })

  it("says where there are too few rounds, and compares no ratios to different subjects", () => {
    const few = changes.ofCases([benchCase(before), benchCase([1, 1, 1])])
    assert.deepInclude(rowOf(few, "ours: time, ratio").cells[1]!, { change: "too few rounds", canTell: false })
    const others = changes.ofCases([benchCase(before), benchCase(before, "others")])
    assert.deepStrictEqual(rowOf(others, "ours: time, ratio").cells[1], { shown: "", change: "" })
  })

  it("compares no ratios of rates to those of times", () => {
    const rows = changes.ofCases([benchCase(before), rates(2000)])
    assert.deepStrictEqual(rowOf(rows, "ours: time, ratio").cells[1], { shown: "", change: "" })
  })

  it("compares rates by jobs per second, of which more are better", () => {
    const rows = changes.ofCases([rates(2000), rates(1000)])
    const [, later] = rowOf(rows, "ours: jobs per second, ratio").cells
    assert.match(later!.change, /^-49\.\d %$/)
    assert.approximately(later!.worse!, 0.5, 0.01)
  })

  it("compares two hundred thousand samples", () => {
    const many = benchCase(Array.from({ length: 200_000 }, (_, n) => 0.5 + n % 7 / 100))
    assert.strictEqual(rowOf(changes.ofCases([many, many]), "ours: time, ratio").cells[1]!.change, "no change")
  })

  it("compares nothing with a case that a record does not have, or that has no samples", () => {
    const empty = { name: "start", description: "", subjects: [] }
    for (const other of [undefined, empty, benchCase([])]) {
      const rows = changes.ofCases([benchCase(before), other])
      assert.deepStrictEqual(rowOf(rows, "ours: time, ratio").cells[1], { shown: "", change: "" })
    }
    assert.deepStrictEqual(changes.ofCases([empty, empty]), [])
    for (const first of [undefined, benchCase([])]) {
      const rows = changes.ofCases([first, benchCase(before)])
      assert.deepStrictEqual(rows.map(({ of }) => of), rows.map(() => "start"))
      const { canTell, change, shown } = rowOf(rows, "ours: peak growth").cells[1]!
      assert.deepStrictEqual([canTell, change, shown], [undefined, "", "1.0 MB (1.0 MB to 1.0 MB)"])
    }
  })
})
