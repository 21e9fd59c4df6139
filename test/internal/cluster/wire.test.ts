import { assert, describe, it } from "@effect/vitest"
import * as wire from "../../../lib/internal/cluster/wire.ts"

const message = (value: unknown): Buffer => {
  const writer = new wire.Writer()
  writer.add(value)
  return Buffer.concat(writer.pieces())
}

describe("Writer", () => {
  it("refuses memory that is shared, of which the other side would have a copy, and says where it is", () => {
    const writer = new wire.Writer()
    for (const shared of [new SharedArrayBuffer(8), new Int32Array(new SharedArrayBuffer(8))]) {
      assert.throws(() => writer.add({ board: shared }, "input"), /SharedArrayBuffer at \.board is not JSON/)
    }
  })
})

describe("Reader", () => {
  it("fills buffers again that are as long as an array, and frees the others", () => {
    const [short, fits, another] = [new ArrayBuffer(2), new ArrayBuffer(4), new ArrayBuffer(4)]
    new Uint8Array(fits).fill(9)
    const reader = new wire.Reader([short, fits, another])
    reader.push(message({ bytes: new Uint8Array([1, 2, 3, 4]), longer: new Uint16Array([5, 6, 7]) }))
    const { buffers, values } = reader.end()
    assert.deepStrictEqual(values, [{ bytes: new Uint8Array([1, 2, 3, 4]), longer: new Uint16Array([5, 6, 7]) }])
    assert.strictEqual(buffers[0], fits)
    assert.isTrue(short.detached && another.detached)
  })

  it("has space for what is one array's alone, in which it stays", () => {
    const sent = { first: new Uint8Array([1, 2, 3]), second: new Uint8Array([4, 5, 6, 7, 8]) }
    const bytes = message(sent)
    const arrays = bytes.length - 8
    const reader = new wire.Reader()
    assert.isUndefined(reader.space(1))
    reader.push(bytes.subarray(0, arrays + 1))
    assert.isUndefined(reader.space(3))
    for (let at = arrays + 1; at < bytes.length; at += 2) {
      const space = reader.space(2) ?? new Uint8Array(1)
      reader.push(space.subarray(0, bytes.copy(space, 0, at)))
    }
    assert.deepStrictEqual(reader.end().values, [sent])
  })
})
