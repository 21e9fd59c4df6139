import { assert, describe, it } from "@effect/vitest"
import { Places } from "../../lib/internal/Places.ts"

/** The two sides of the same memory, which is not all theirs. */
const open = () => {
  const memory = new SharedArrayBuffer(8 + Places.bytes)
  return { memory, writer: new Places(memory, 8), reader: new Places(memory, 8) }
}

describe("Places", () => {
  it("bring the text of each item, over and over", () => {
    const { memory, reader, writer } = open()
    for (let item = 2 ** 40; item < 2 ** 40 + 300; item += 3) {
      const texts = ["a", `text ${item}`, "ж€😀"]
      for (const [n, text] of texts.entries()) assert.isTrue(writer.putText(item + n, text))
      for (const [n, text] of texts.entries()) assert.strictEqual(reader.takeText(item + n), text)
    }
    assert.deepStrictEqual([...new Uint8Array(memory, 0, 8)], Array(8).fill(0))
  })

  it("bring bytes, each in a buffer of its own", () => {
    const { reader, writer } = open()
    for (const bytes of [[], [1, 2, 255]]) {
      assert.isTrue(writer.putBytes(1, new Uint8Array(bytes)))
      const taken = reader.takeBytes(1)
      assert.deepStrictEqual([[...taken], taken.buffer.byteLength], [bytes, bytes.length])
    }
    assert.isFalse(writer.putBytes(1, new Uint8Array(2049)))
    assert.isTrue(writer.putBytes(1, new Uint8Array(2048).fill(7)))
    assert.deepStrictEqual(reader.takeBytes(1), new Uint8Array(2048).fill(7))
  })

  it("take no text before the one that was in its place is taken", () => {
    const { reader, writer } = open()
    let next = 0
    while (writer.putText(next, `${next}`)) next++
    assert.isAbove(next, 8)
    assert.strictEqual(reader.takeText(0), "0")
    assert.isTrue(writer.putText(next, `${next}`))
    assert.isFalse(writer.putText(next + 1, "no"))
    for (let item = 1; item <= next; item++) assert.strictEqual(reader.takeText(item), `${item}`)
  })

  it("take none that has more bytes than there is room for", () => {
    const { reader, writer } = open()
    const longest = 2048
    for (const [character, bytes] of [["a", 1], ["é", 2], ["€", 3], ["😀", 4]] as const) {
      const fits = character.repeat(longest / bytes)
      assert.isFalse(writer.putText(0, `${fits}aaa`))
      assert.isTrue(writer.putText(0, fits))
      assert.strictEqual(reader.takeText(0), fits)
    }
  })
})
