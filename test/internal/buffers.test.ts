import { assert, describe, it } from "@effect/vitest"
import { Buffers, buffersIn, haveCommonObject } from "../../lib/internal/buffers.ts"

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

describe("the buffers of a job", () => {
  /** More than a call can have arguments. */
  const many = 200_000

  it("can be any number, left by it, moving or given back", () => {
    const buffers = new Buffers()
    for (let n = 0; n < many; n++) buffers.allocate(Uint8Array, 0, true)
    assert.deepStrictEqual(buffers.take([]), [])
    const moving = Array.from({ length: many }, () => new ArrayBuffer(0))
    buffers.move(moving)
    assert.lengthOf(buffers.take([]), many)
    buffers.begin(moving)
    buffers.end()
  })

  it("are found by how long they are: those of other lengths are not looked at", () => {
    let looks = 0
    const byteLength = {
      get: () => {
        looks++
        return 8
      }
    }
    const buffers = new Buffers()
    buffers.begin(
      Array.from({ length: 100 }, () => Object.defineProperty(new ArrayBuffer(8), "byteLength", byteLength))
    )
    looks = 0
    for (let n = 0; n < 100; n++) buffers.allocate(Float64Array, 2, true)
    assert.strictEqual(looks, 0)
  })

  it("are filled again, but for those that were moved", () => {
    const buffers = new Buffers()
    const spares = Array.from({ length: 3 }, () => new ArrayBuffer(8))
    buffers.begin(spares)
    const arrays = [1, 1, 2, 1].map((length) => buffers.allocate(Float64Array, length, true))
    const [first, second, other, third] = arrays.map(({ buffer }) => buffer)
    assert.sameMembers([first, second, third], spares)
    assert.notInclude(spares, other)
    buffers.take([])
    buffers.end()
    first!.transfer()
    const again = [1, 1, 1].map((length) => buffers.allocate(Float64Array, length, true).buffer)
    assert.includeMembers(again, [second, third])
    assert.notInclude(again, first)
  })
})
