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

  it("compares what was measured in the same round, with a peer of which there is a figure, to three digits", () => {
    const rows = row(
      subject("floor", "worker_threads", [{ jobs: 1000 }, { jobs: 2000 }, { jobs: 4000 }]),
      subject("peer", "of no time", [{ jobs: 9000, wallMs: 0 }]),
      subject("peer", "a", [{ jobs: 1728 }, { jobs: 1728, peakGrowthBytes: 5e6 }, {
        jobs: 1728,
        peakGrowthBytes: 5e6
      }]),
      subject("ours", "effect-futures", [{ jobs: 3456 }, { jobs: 3456 }, { jobs: 3456 }, { jobs: 3456 }])
    )
    assert.deepStrictEqual(rows, [
      ["jobs per second", "3,460", "a 1,730", "2.00× (2.00× to 2.00×)", "1.73×", "2.00×"]
    ])
    const [held] = row(subject("ours", "effect-futures", [{ heldBytes: 12_345, jobs: 10 }]))
    assert.strictEqual(held![1], "1,230 B")
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

  it("calls nothing behind that is as good, and compares nothing with what is nothing", () => {
    assert.deepStrictEqual(
      row(subject("peer", "a", [{ wallMs: 200 }]), subject("ours", "effect-futures", [{ wallMs: 200 }])),
      [["time", "200 ms", "a 200 ms", "1.00× (1.00× to 1.00×)", "", "1.00×"]]
    )
    const nothing = { heldBytes: 0, peakGrowthBytes: 0 }
    const subjects = [subject("peer", "a", [nothing]), subject("ours", "effect-futures", [nothing])]
    assert.deepStrictEqual(row(...subjects), [["memory held", "0.0 MB", "a 0.0 MB", "", "", ""]])
    assert.notInclude(benchFigures.show({ name: "case", description: "", subjects }), "best peer")
    assert.deepStrictEqual(
      row(subject("ours", "effect-futures", [{ jobs: 100 }, { jobs: 300 }, { jobs: 9, wallMs: 0 }])),
      [["jobs per second", "200", "", "", "", ""]]
    )
  })

  it("shows of each subject its figure, its ratio to the first and its peak, and obeys nothing in a name", () => {
    const subjects = [
      subject("floor", "a\u001b[2J", [{ wallMs: 200 }, { wallMs: 400 }, { wallMs: 12_000 }]),
      subject("peer", "b\u202e", [{ wallMs: 100, peakGrowthBytes: 2e6 }]),
      subject("ours", "c\u0007", [{ wallMs: 20, peakGrowthBytes: 1e6 }])
    ]
    const shown = benchFigures.show({ name: "\u001b]0;", description: "\u009b31m", subjects })
    assert.notMatch(shown, /(?!\n)[\p{Cc}\p{Cf}]/u)
    const lines = shown.split("\n")
    assert.strictEqual(lines[0], "\\u001b]0;: \\u009b31m")
    assert.strictEqual(lines.at(-1), "c\\u0007: 0.20× (0.20× to 0.20×) the time of b\\u202e, the best peer")
    const cells = lines.filter((line) => line.startsWith("│")).map((line) => line.split("│").map((cell) => cell.trim()))
    assert.deepStrictEqual(cells.map((row) => row.slice(1, -1)), [
      ["", "time", "ratio", "peak growth"],
      ["a\\u001b[2J", "400 ms (200 ms to 12.0 s)", "1.00× (1.00× to 1.00×)", "10 MB (10 MB to 10 MB)"],
      ["b\\u202e", "100 ms (100 ms to 100 ms)", "0.50× (0.50× to 0.50×)", "2.0 MB (2.0 MB to 2.0 MB)"],
      ["c\\u0007", "20.0 ms (20.0 ms to 20.0 ms)", "0.10× (0.10× to 0.10×)", "1.0 MB (1.0 MB to 1.0 MB)"]
    ])
  })

  it("shows a record from before there were roles", () => {
    const subjects = ["worker_threads", "lazy"].map((name) => ({ name, samples: [sample({})] }))
    const shown = benchFigures.show({ name: "case", description: "Something", subjects })
    assert.include(shown, "case: Something")
    assert.notInclude(shown, "best peer")
  })
})
