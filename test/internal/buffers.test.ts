import { assert, describe, it } from "@effect/vitest"
import { buffersIn, haveCommonObject } from "../../lib/internal/buffers.ts"

describe("what the clone of an error reaches", () => {
  const cause = Uint8Array.of(1)

  it("is its cause", () => {
    const errors = [new Error("one", { cause }), new TypeError("other", { cause })]
    assert.deepStrictEqual([...buffersIn(errors[0])], [cause.buffer])
    assert.isTrue(haveCommonObject(errors))
    const [one, other] = structuredClone(errors)
    assert.strictEqual(one!.cause, other!.cause)
  })

  it("is none of its fields", () => {
    const errors = ["one", "other"].map((message) => Object.assign(new Error(message), { field: cause }))
    assert.isFalse(haveCommonObject(errors))
    assert.notProperty(structuredClone(errors[0]), "field")
  })
})
