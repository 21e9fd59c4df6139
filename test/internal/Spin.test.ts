import { assert, describe, it } from "@effect/vitest"
import { Spin, spinMs } from "../../lib/internal/Spin.ts"

/** How many waits of no time at all pass before it stays awake. */
const skipped = (spin: Spin) => {
  let n = 0
  while (!spin.pays(0)) n++
  return n
}

describe("Spin", () => {
  it("pays where the last wait was short", () => {
    const spin = new Spin()
    assert.isFalse(spin.pays(Infinity))
    assert.isFalse(spin.pays(1.01 * spinMs))
    assert.isTrue(spin.pays(spinMs))
  })

  it("is tried ever more rarely where nothing comes, but always again", () => {
    const spin = new Spin()
    const tried = Array.from({ length: 12 }, () => {
      spin.missed()
      return skipped(spin)
    })
    assert.deepStrictEqual(tried, [1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1023, 1023])
  })

  it("forgives as things come", () => {
    const spin = new Spin()
    for (let n = 0; n < 12; n++) spin.missed()
    skipped(spin)
    for (let n = 0; n < 10; n++) spin.hit()
    spin.missed()
    assert.strictEqual(skipped(spin), 1)
  })
})
