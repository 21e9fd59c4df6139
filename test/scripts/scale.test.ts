import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import { costs, simulate, wakeMs } from "../../scripts/scale/simulate.ts"
import * as here from "./shared/here.ts"
import * as script from "./shared/script.ts"

const roomy = { cores: 64, flushMs: 0.01, pollMs: 1, listeners: 0 }

describe("the simulation of a cluster", () => {
  it("keeps runners busy whose jobs are long, and does as many as they can", () => {
    const outcome = simulate({ ...roomy, runners: 50, jobMs: 1000, chunk: 1 })
    assert.closeTo(outcome.jobsPerSecond, 50, 2)
    assert.isAbove(outcome.runners, 0.95)
  })

  it("finds the cores of the database where they are the limit", () => {
    const outcome = simulate({ ...roomy, cores: 2, runners: 200, jobMs: 1, chunk: 1 })
    assert.isAbove(outcome.cores, 0.99)
    // The program hears of each message three times.
    const messageMs = Object.values(costs).reduce((sum, ms) => sum + ms, 3 * wakeMs)
    assert.closeTo(outcome.jobsPerSecond, 2000 / messageMs, 100)
  })

  it("has the cores wake all who listen", () => {
    const crowded = { ...roomy, cores: 2, runners: 200, jobMs: 1, chunk: 1 }
    const few = simulate(crowded)
    const many = simulate({ ...crowded, listeners: 200 })
    assert.isBelow(many.jobsPerSecond, few.jobsPerSecond / 4)
  })

  it("keeps those busy who listen, however seldom they ask", () => {
    const seldom = { ...roomy, pollMs: 10_000, runners: 4, jobMs: 100, chunk: 1 }
    assert.isAbove(simulate({ ...seldom, listeners: 4 }).runners, 0.9)
  })

  it("finds the lock of notifications where the disk is the limit", () => {
    const outcome = simulate({ ...roomy, flushMs: 5, runners: 200, jobMs: 1, chunk: 1 })
    assert.isAbove(outcome.lock, 0.99)
    assert.closeTo(outcome.jobsPerSecond, 1000 / 5, 10)
  })
})

/** The cells of a table's rows, numbers without what parts their digits. */
const rowsOf = (text: string, edge: string) =>
  text.split("\n").filter((line) => line.startsWith(edge)).map((line) =>
    line.split(edge).slice(1, -1).map((cell) => cell.trim().replaceAll(/(?<=\d)[ ,](?=\d)/g, ""))
  )

describe("scripts/scale.ts", () => {
  it.live("finds what the reference record and README say", () =>
    Effect.gen(function*() {
      const out = path.join(yield* script.folder, "scale.json")
      const { status, stdout } = yield* here.run("scale", ["--out", out])
      assert.strictEqual(status, 0)
      const [found, reference] = [
        JSON.parse(yield* script.read(out)),
        JSON.parse(yield* script.read(path.join(script.root, "results", "reference", "scale.json")))
      ]
      assert.deepStrictEqual([found.parameters, found.cases], [reference.parameters, reference.cases])

      const figures = rowsOf(stdout, "│").map(([, ...figures]) => figures.join(" | "))
      const readme = yield* script.read(path.join(script.root, "README.md"))
      const rows = rowsOf(readme.slice(readme.indexOf("| jobs | runners |")), "|").slice(2)
      assert.lengthOf(rows, 6)
      for (const [name, ...cells] of rows) assert.include(figures, cells.join(" | "), name)
    }))
})
