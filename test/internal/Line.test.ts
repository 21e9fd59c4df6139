import { assert, describe, it } from "@effect/vitest"
import { Line } from "../../lib/internal/Line.ts"

const item = { number: 0, runMs: 0, busyMs: 0 }

describe("Line", () => {
  it("has no room where a number would meet that of an item which is not done, whatever was taken back meanwhile", () => {
    const line = new Line<typeof item>()
    const { room } = line
    for (let n = 0; n < 10; n++) line.push(item)
    for (let number = 2; number <= 10; number++) line.remove(number)
    assert.strictEqual(line.room, room - 10)
    line.remove(1)
    assert.strictEqual(line.room, room)
  })

  it("has nothing under the number of an item that was done, though another has its place", () => {
    const line = new Line<typeof item>()
    const { room } = line
    const first = line.push(item)
    line.remove(first)
    for (let n = 0; n < room; n++) line.push(item)
    assert.isUndefined(line.get(first))
    assert.strictEqual(line.get(first + room), item)
  })
})

describe("Line.between", () => {
  it("tells what a worker did between two items, where it had the second before it was done with the first", () => {
    const line = new Line()
    assert.isUndefined(line.between(0, 1, 10), "nothing is known of what it did before")
    assert.strictEqual(line.between(5, 12, 20), 2)
    assert.isUndefined(line.between(25, 30, 40), "it waited for this one")
  })

  it("tells nothing of results that are seen in another order than they were made", () => {
    const line = new Line()
    line.between(0, 20, 30)
    assert.isUndefined(line.between(5, 10, 20))
    assert.strictEqual(line.between(5, 31, 40), 1, "and the latest counts all the same")
  })
})
