import { assert, describe, it } from "@effect/vitest"
import * as figures from "../../../scripts/shared/figures.ts"
import { runRecord } from "../../shared/records.ts"

describe("figures", () => {
  it("are shown to a decimal where they are small, and without the sign of nothing", () => {
    assert.deepStrictEqual([9.94e6, 10.4e6, -9.94e6, -20.4e6, -0.04e6, -0.06e6].map(figures.megabytes), [
      "9.9 MB",
      "10 MB",
      "-9.9 MB",
      "-20 MB",
      "0.0 MB",
      "-0.1 MB"
    ])
    assert.deepStrictEqual([0.5, -0.0004, -0.0006].map(figures.percent), ["50.0 %", "0.0 %", "-0.1 %"])
  })

  it("have no ratio to nothing, and none that the run does not tell", () => {
    const base = { ...runRecord, summary: { ...runRecord.summary, cpuMs: 0, peakRssBytes: 500 } }
    const parameters = { count: "many" }
    const cells = figures.cells({ ...runRecord, parameters }, base)
    assert.deepStrictEqual(cells, ["1.0 s  1.00×", "0.0 s", "0.2 %  1.00×", "0.0 MB  2.00×", "0.0 MB", ""])
  })

  it("stand in a table to the right of their names", () => {
    const table = figures.table(["name", "figure"], [["a", "1 s"], ["a long one", "1000 s"]])
    assert.deepStrictEqual(table.split("\n").filter((line) => line.startsWith("│")), [
      "│ name       │ figure │",
      "│ a          │    1 s │",
      "│ a long one │ 1000 s │"
    ])
  })

  it("tell of a slope as a share of the array that a job fills", () => {
    const summary = { ...runRecord.summary, rssSlopeBytesPerJob: 40 }
    assert.strictEqual(figures.cells({ ...runRecord, parameters: { count: 10 }, summary }).at(-1), "50.0 %")
  })

  it("give way in a table to what takes the place of several, to the left; nothing of either is obeyed", () => {
    const table = figures.table(["name", "\u001b[2J", "b"], [["\u202e", { content: "no\u0007", colSpan: 2 }]])
    assert.deepStrictEqual(table.split("\n").filter((line) => line.startsWith("│")), [
      "│ name   │ \\u001b[2J │ b │",
      "│ \\u202e │ no\\u0007      │"
    ])
  })
})
