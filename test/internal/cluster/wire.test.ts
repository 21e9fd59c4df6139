import { assert, describe, it } from "@effect/vitest"
import { isDeepStrictEqual } from "node:util"
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

/** A message of that head alone. */
const headed = (head: unknown) => {
  const json = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return Buffer.concat([length, json])
}

/** A message with an array at that place. */
const at = (...path: ReadonlyArray<string | number>) => headed([[[{ a: null }]], [[path, "Uint8Array", 0]]])

/** What is said of a value that cannot be sent. */
const refusal = (value: unknown) => {
  try {
    new wire.Writer().add(value, "input")
  } catch (error) {
    return (error as Error).message
  }
  return assert.fail("it was added")
}

describe("Writer.add", () => {
  it("leaves the message as it was where a value cannot be sent", () => {
    const writer = new wire.Writer()
    writer.add([new Uint8Array([1])])
    assert.throws(() => writer.add([new Uint8Array([2]), new Date(0)]), "a Date at [1] is not JSON")
    const long: Array<unknown> = [new Date(0)]
    long.length = 1_999_999
    assert.throws(() => writer.add(long), "a Date at [0] is not JSON")
    writer.add(new Uint8Array([3]))
    writer.add([4, 5])
    assert.deepStrictEqual(wire.read(Buffer.concat(writer.pieces())).values, [
      [new Uint8Array([1])],
      new Uint8Array([3]),
      [4, 5]
    ])
  })

  it("refuses what has no end, is of a class of its own, or is too much", () => {
    const within: { list: Array<unknown> } = { list: [] }
    within.list.push(within)
    assert.match(refusal(within), /^what is so deep, or within itself, at (\.list\[0\]){5} is not JSON/)
    assert.match(refusal([Object.create(Object.create(null))]), /^a class's instance at \[0\] is not JSON/)
    class Mine extends Float64Array {}
    assert.match(refusal({ mine: new Mine(1) }), /^a Mine at \.mine is not JSON/)
    const long: Array<unknown> = [{ a: 0, b: 0 }]
    long.length = 1_999_999
    assert.match(refusal(long), /^it is 2000001 values of JSON or more and the limit is 2000000/)
    const writer = new wire.Writer()
    const part = new Uint8Array(1_000_000_000)
    writer.add([part, part, part, part, part])
    assert.throws(() => writer.pieces(), /^it is 5000000\d{3} bytes and the limit is 4000000000: send it in parts/)
  })
})

describe("Reader", () => {
  it("reads what was written, whatever its class in memory", () => {
    const plain = Object.assign(Object.create(null), { n: 1 }) as unknown
    const sent = [plain, Buffer.from([1, 2]), new Uint8Array(), { nothing: undefined }]
    assert.deepStrictEqual(wire.read(message(sent)).values, [[
      { n: 1 },
      new Uint8Array([1, 2]),
      new Uint8Array(),
      { nothing: undefined }
    ]])
  })

  it("reads each type of array as what it was, of a part that part, and numbers as they were", () => {
    const { buffer } = new Uint8Array(32).map((_, n) => n)
    const arrays = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float16Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array
    ].map((constructor) => new constructor(buffer, 8, 2))
    const sent = [...arrays, new DataView(buffer, 8, 2), buffer, -0, 0, 5e-324]
    const [read] = wire.read(message(sent)).values as [Array<unknown>]
    assert.lengthOf(read, sent.length)
    for (const [index, value] of sent.entries()) assert.isTrue(isDeepStrictEqual(read[index], value), String(index))
  })

  it("takes a message in pieces of any size, each of which lasts until the next", () => {
    const sent = { text: "é", bytes: new Uint8Array([1, 2, 3]), more: new Float64Array([4]) }
    const bytes = message(sent)
    for (const size of [1, 3, 7]) {
      const reader = new wire.Reader()
      const piece = new Uint8Array(size)
      for (let at = 0; at < bytes.length; at += size) {
        reader.push(piece.subarray(0, bytes.copy(piece, 0, at)))
      }
      assert.deepStrictEqual(reader.end().values, [sent])
    }
  })

  it("refuses a message that is cut off, or whose arrays have no place in it", () => {
    const bytes = message([new Uint8Array([1, 2, 3])])
    for (const length of [0, 3, 4, 9, bytes.length - 1]) {
      assert.throws(() => wire.read(bytes.subarray(0, length)), "the message is cut off")
    }
    assert.deepStrictEqual(wire.read(at(0, 0, "a")).values, [{ a: new Uint8Array() }])
    assert.throws(() => wire.read(at(0, 0, "__proto__", "polluted")), "the message has no place __proto__")
    assert.throws(() => wire.read(at(0, 0, "toString")), "the message has no place toString")
    for (const other of [null, "text"]) {
      const within = headed([[[other]], [[[0, 0, 0], "Uint8Array", 0]]])
      assert.throws(() => wire.read(within), "the message has no place 0")
    }
    assert.throws(() => wire.read(headed([[[null]], [[[0, 0], "Map", 0]]])), "an array of an unknown type, Map")
  })

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
})
