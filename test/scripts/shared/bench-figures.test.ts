import { assert, describe, it } from "@effect/vitest"
import type { RunRecord } from "../../../lib/mod.ts"
import * as benchFigures from "../../../scripts/shared/bench-figures.ts"

type Subject = RunRecord.BenchCase["subjects"][number]

const sample = (part: Partial<RunRecord.BenchSample>): RunRecord.BenchSample => ({
  wallMs: 1000,
  cpuMs: 1000,
  peakGrowthBytes: 10_000_000,
  ...part
})

const subject = (role: Subject["role"] & string, name: string, samples: Array<Partial<RunRecord.BenchSample>>) => ({
  name,
  role,
  samples: samples.map(sample)
})

const row = (...subjects: ReadonlyArray<Subject>) =>
  benchFigures.rows({ name: "case", description: "", subjects }).map((cells) => cells.slice(1))

describe("bench-figures", () => {
  it("compares rates with the peer of the highest median, pair by pair, whatever number of jobs they are of", () => {
    const rows = row(
      subject("floor", "worker_threads", [{ jobs: 4000 }, { jobs: 4000 }, { jobs: 4000 }]),
      subject("peer", "slow", [{ jobs: 9000 }, { jobs: 10 }, { jobs: 10 }]),
      subject("peer", "fast", [{ jobs: 1000 }, { jobs: 1000 }, { jobs: 2000, wallMs: 2000 }]),
      subject("ours", "effect-futures", [{ jobs: 2000 }, { jobs: 3000 }, { jobs: 2000 }])
    )
    assert.deepStrictEqual(rows, [
      ["jobs per second", "2,000", "fast 1,000", "2.00× (2.00× to 3.00×)", "0.50×", "1.00×"]
    ])
  })

  it("compares times and memory with the peer of the lowest, and says where ours is behind it", () => {
    const samples = [{ wallMs: 200, peakGrowthBytes: 30_000_000 }]
    const rows = row(
      subject("peer", "quick", samples),
      subject("peer", "slow", [{ wallMs: 900 }]),
      subject("ours", "effect-futures run", [{ wallMs: 300 }]),
      subject("ours", "effect-futures use", [{ wallMs: 100 }])
    )
    assert.deepStrictEqual(rows, [
      ["run, time", "300 ms", "quick 200 ms", "1.50× (1.50× to 1.50×), behind", "", "0.33×"],
      ["use, time", "100 ms", "quick 200 ms", "0.50× (0.50× to 0.50×)", "", "0.33×"]
    ])
  })

  it("takes what is held, of each job where there are many, for the figure where a case measures that", () => {
    assert.deepStrictEqual(
      row(
        subject("peer", "a", [{ heldBytes: 40_000_000 }]),
        subject("ours", "effect-futures", [{ heldBytes: 20_000_000 }])
      ),
      [["memory held", "20 MB", "a 40 MB", "0.50× (0.50× to 0.50×)", "", "1.00×"]]
    )
    assert.deepStrictEqual(
      row(
        subject("peer", "a", [{ heldBytes: 5000, jobs: 10 }]),
        subject("ours", "effect-futures", [{ heldBytes: 9000, jobs: 10 }])
      ),
      [["memory held per job", "900 B", "a 500 B", "1.80× (1.80× to 1.80×), behind", "", "1.00×"]]
    )
  })

  it("shows a record from before there were roles", () => {
    const subjects = ["worker_threads", "lazy"].map((name) => ({ name, samples: [sample({})] }))
    const shown = benchFigures.show({ name: "case", description: "Something", subjects })
    assert.include(shown, "case: Something")
    assert.notInclude(shown, "best peer")
  })
})
