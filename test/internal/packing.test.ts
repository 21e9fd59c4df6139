import { assert, describe, it } from "@effect/vitest"
import { packed, unpacked } from "../../lib/internal/packing.ts"
import type { Outcome, Settled } from "../../lib/internal/protocol.ts"
import { runMessage } from "../shared/runMessage.ts"

const run = (...inputs: ReadonlyArray<unknown>) => runMessage(1, "job", inputs)

const settled = (...outcomes: ReadonlyArray<Outcome>): Settled => ({
  _tag: "Settled",
  id: 1,
  outcomes,
  buffers: [],
  startedAt: 0,
  returnedAt: 0,
  cost: undefined,
  spans: undefined
})

const nested = (depth: number): unknown => depth === 0 ? [] : [nested(depth - 1)]

describe("packed", () => {
  it("leaves primitives and a few plain objects as they are", () => {
    const message = run(1, "text", undefined, { a: [1, { b: null }] }, nested(99))
    assert.deepStrictEqual(packed(message).inputs, message.inputs)
    assert.isFalse(packed(message).inputs.some((input) => input instanceof Uint8Array))
  })

  it("makes bytes of all else, which come back as they were", () => {
    const shared = { n: 1 }
    const values = [
      nested(100),
      [new Map([[1, new Set([2])]])],
      new Date(3),
      Float64Array.of(1, 2),
      Uint8Array.of(1, 2),
      new Error("message"),
      // Neither here nor elsewhere does its clone have this field.
      Object.assign(new Error("message"), { url: new URL("http://localhost") }),
      Object.assign(new Map(), { own: 1 }),
      Object.assign(Object.create(null), { a: 1 }),
      [shared, shared, /x/g]
    ]
    const message = packed(run(...values))
    assert.isTrue(message.inputs.every((input) => input instanceof Uint8Array))
    const inputs = unpacked(message).inputs
    assert.deepStrictEqual(inputs, run(...values).inputs.map((value) => structuredClone(value)))
    const [first, second] = inputs.at(-1) as Array<unknown>
    assert.strictEqual(first, second)
    const outcomes: ReadonlyArray<Outcome> = [
      { _tag: "Succeeded", value: new Map([[1, 2]]) },
      { _tag: "Failed", error: [new Set([3])] }
    ]
    assert.deepStrictEqual(unpacked(packed(settled(...outcomes))).outcomes, outcomes)
  })

  it("refuses an input that another process would get as another, in whatever it is, and each time", () => {
    const inCause = new Error("message", { cause: new Blob([]) })
    for (const input of [new Blob(["text"]), [[new Blob([])]], { a: { b: new Blob([]) } }, inCause]) {
      assert.throws(() => packed(run(input)), /^Blob cannot be sent to another process$/)
    }
  })

  it("says of such a result that it cannot be cloned, and leaves the others", () => {
    const value: Outcome = { _tag: "Succeeded", value: 3 }
    const notCloned: Outcome = { _tag: "NotCloned", side: "result", reason: "Blob cannot be sent to another process" }
    const outcomes: ReadonlyArray<Outcome> = [
      value,
      { _tag: "Succeeded", value: new Blob([]) },
      { _tag: "Failed", error: [new Blob([])] },
      { _tag: "NotFound", reason: "nowhere" }
    ]
    assert.deepStrictEqual(packed(settled(...outcomes)).outcomes, [value, notCloned, notCloned, outcomes[3]!])
  })

  it("changes nothing of other messages", () => {
    const message = { _tag: "Cancel", first: 1, last: 2 } as const
    assert.strictEqual(packed(message), message)
    assert.strictEqual(unpacked(message), message)
  })
})

describe("unpacked", () => {
  it("says of a result that cannot be read that it cannot be cloned, and throws for such an input", () => {
    const broken = Uint8Array.of(1, 2, 3)
    const [outcome, other] =
      unpacked(settled({ _tag: "Succeeded", value: broken }, { _tag: "Succeeded", value: 3 })).outcomes
    assert.deepInclude(outcome, { _tag: "NotCloned", side: "result" })
    assert.deepStrictEqual(other, { _tag: "Succeeded", value: 3 })
    assert.throws(() => unpacked(run(broken)))
  })
})
