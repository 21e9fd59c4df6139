import { assert, describe, it } from "@effect/vitest"
import { setImmediate } from "node:timers/promises"
import { BusyPoll } from "../../lib/internal/BusyPoll.ts"

/** Whether it stays awake after things came at once; one whose thread was interrupted has another chance. */
const staysAwake = (busyPoll: BusyPoll) => {
  for (let chance = 0; chance < 100 && !busyPoll.isOn; chance++) {
    busyPoll.expect()
    busyPoll.came()
    busyPoll.expect()
  }
  return busyPoll.isOn
}

describe("BusyPoll", () => {
  it("looks in each turn of the event loop, and stops by itself when nothing comes", async () => {
    let looks = 0
    const busyPoll: BusyPoll = new BusyPoll(() => true, () => {
      looks++
    })
    assert.isTrue(staysAwake(busyPoll))
    assert.strictEqual(looks, 0)
    while (busyPoll.isOn) await setImmediate()
    assert.isAtLeast(looks, 2)
    const before = looks
    for (let turn = 0; turn < 10; turn++) await setImmediate()
    assert.strictEqual(looks, before)
  })

  it("stops when it may not go on, and looks once more without being on", async () => {
    const seen: Array<boolean> = []
    const busyPoll: BusyPoll = new BusyPoll(() => seen.length === 0, () => seen.push(busyPoll.isOn))
    assert.isTrue(staysAwake(busyPoll))
    while (busyPoll.isOn) await setImmediate()
    assert.deepStrictEqual(seen, [true, false])
  })

  it("is never on where it may not", () => {
    assert.isFalse(staysAwake(new BusyPoll(() => false, () => {})))
  })
})
