import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { play } from "../shared/simulation/play.ts"
import { schedule } from "../shared/simulation/schedule.ts"

/** `SOAK_RUNS` plays other schedules than the test does, and more of them; `SOAK_SEED` plays those of a soak again. */
const runs = Number(process.env.SOAK_RUNS ?? 3000)
const seed = Number(process.env.SOAK_SEED ?? (process.env.SOAK_RUNS === undefined ? 3 : Date.now()))

describe("WorkerPool", () => {
  it("settles every accepted job once, whatever becomes of workers, messages and callers", () =>
    fc.assert(
      fc.asyncProperty(schedule, async (schedule) => {
        assert.deepStrictEqual(await Effect.runPromise(play(schedule)), [])
      }),
      { numRuns: runs, seed, endOnFailure: false }
    ), 0)
})
