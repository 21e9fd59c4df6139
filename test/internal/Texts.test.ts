import { assert, describe, it } from "@effect/vitest"
import { Texts } from "../../lib/internal/Texts.ts"

/** The two sides of the same memory, which is not all theirs. */
const open = () => {
  const memory = new SharedArrayBuffer(8 + Texts.bytes)
  return { memory, writer: new Texts(memory, 8), reader: new Texts(memory, 8) }
}

describe("Texts", () => {
  it("bring the text of each item, over and over", () => {
    const { memory, reader, writer } = open()
    for (let item = 2 ** 40; item < 2 ** 40 + 300; item += 3) {
      const texts = ["a", `text ${item}`, "ж€😀"]
      for (const [n, text] of texts.entries()) assert.isTrue(writer.put(item + n, text))
      for (const [n, text] of texts.entries()) assert.strictEqual(reader.take(item + n), text)
    }
    assert.deepStrictEqual([...new Uint8Array(memory, 0, 8)], Array(8).fill(0))
  })

  it("take no text before the one that was in its place is taken", () => {
    const { reader, writer } = open()
    let next = 0
    while (writer.put(next, `${next}`)) next++
    assert.isAbove(next, 8)
    assert.strictEqual(reader.take(0), "0")
    assert.isTrue(writer.put(next, `${next}`))
    assert.isFalse(writer.put(next + 1, "no"))
    for (let item = 1; item <= next; item++) assert.strictEqual(reader.take(item), `${item}`)
  })

  it("take none that has more bytes than there is room for", () => {
    const { reader, writer } = open()
    const longest = 2048
    for (const [character, bytes] of [["a", 1], ["é", 2], ["€", 3], ["😀", 4]] as const) {
      const fits = character.repeat(longest / bytes)
      assert.isFalse(writer.put(0, `${fits}aaa`))
      assert.isTrue(writer.put(0, fits))
      assert.strictEqual(reader.take(0), fits)
    }
  })
})
