import { assert, describe, it } from "@effect/vitest"
import { Pace } from "../../lib/internal/Pace.ts"

describe("Pace", () => {
  it("takes a job that has not run for one that takes for ever", () => {
    const pace = new Pace()
    assert.isFalse(pace.isKnown)
    assert.isAbove(pace.runMs, 1000)
  })

  it("comes near what was seen of a worker, from above and from below", () => {
    const pace = new Pace()
    for (let n = 0; n < 200; n++) pace.measured(1, 3, 0)
    assert.approximately(pace.busyMs, 4, 0.1)
    for (let n = 0; n < 200; n++) pace.measured(1, 0.5, 0)
    assert.approximately(pace.busyMs, 1.5, 0.1)
  })

  it("takes sending for the bound of what was not seen, however long one took", () => {
    const pace = new Pace()
    pace.measured(1, undefined, 50)
    pace.measured(1, undefined, 2)
    pace.measured(1, undefined, 50)
    assert.approximately(pace.busyMs, 3, 0.1)
  })
})
