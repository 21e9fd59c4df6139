import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { play } from "../shared/simulation/play.ts"
import { schedule } from "../shared/simulation/schedule.ts"

/** A soak (`npm run soak`) plays as many schedules as this says, others each time; its seed is told when one fails. */
const { SOAK_RUNS: soak, SOAK_SEED: seed } = process.env

const parameters = soak === undefined
  ? { numRuns: 3000, seed: 3 }
  : { numRuns: Number(soak), ...(seed !== undefined && { seed: Number(seed) }) }

describe("WorkerPool", () => {
  it("settles every accepted job once, whatever becomes of workers, messages and callers", () =>
    fc.assert(
      fc.asyncProperty(schedule, async (schedule) => {
        assert.deepStrictEqual(await Effect.runPromise(play(schedule)), [])
      }),
      parameters
    ), 0)
})
