import { assert, describe, it } from "@effect/vitest"
import { Timings } from "../../lib/internal/Timings.ts"

describe("Timings", () => {
  it("are those of the latest jobs, however many came before", () => {
    const timings = new Timings()
    for (const ms of [1, 2]) {
      for (let n = 0; n < 5000; n++) {
        timings.waited(10 * ms)
        timings.ran(ms)
      }
    }
    const { runMs, waitMs } = timings.summary(1)
    assert.deepStrictEqual(runMs, { p50: 2, p90: 2, p99: 2 })
    assert.deepStrictEqual(waitMs, { p50: 20, p90: 20, p99: 20 })
  })

  it("never have workers run for longer than there is time", () => {
    const timings = new Timings()
    timings.ran(1e9)
    assert.strictEqual(timings.summary(1).utilization, 1)
  })
})
