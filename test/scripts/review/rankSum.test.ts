import { assert, describe, it } from "@effect/vitest"
import { hasChanged } from "../../../scripts/review/rankSum.ts"

const five = [1.01, 0.98, 1, 1.03, 0.99]

/** The same numbers at every run. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed / 2 ** 31
}

describe("hasChanged", () => {
  it("calls a change of five samples whose spreads do not overlap, either way", () => {
    const later = five.map((ratio) => ratio + 0.06)
    assert.isTrue(hasChanged(five, later))
    assert.isTrue(hasChanged(later, five))
  })

  it("calls none where the spreads overlap, and none at all where nothing differs", () => {
    assert.isFalse(hasChanged(five, [1.02, 1.04, 1.05, 1.06, 1.07]))
    assert.isFalse(hasChanged(five, five))
    assert.isFalse(hasChanged([1, 1, 1, 1, 1], [1, 1, 1, 1, 1]))
  })

  it("puts up with a little overlap where there are more samples", () => {
    const ten = five.flatMap((ratio) => [ratio, ratio + 0.001])
    assert.isTrue(hasChanged(ten, [1, ...ten.slice(1).map((ratio) => ratio + 0.1)]))
  })

  it("cannot tell from fewer than five and five, or from none", () => {
    assert.isUndefined(hasChanged(five.slice(1), [10, 10, 10, 10]))
    assert.isUndefined(hasChanged(five.slice(1), [10, 10, 10, 10, 10]))
    assert.isUndefined(hasChanged([], [1, 2, 3, 4, 5]))
    assert.isUndefined(hasChanged(five, []))
  })

  it("calls about one in a hundred changes that are none", () => {
    const next = random(1)
    const samples = () => Array.from({ length: 8 }, next)
    const called = Array.from({ length: 5000 }, () => hasChanged(samples(), samples())).filter(Boolean).length
    assert.isAtLeast(called, 10)
    assert.isAtMost(called, 100)
  })
})
