import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { runInNewContext } from "node:vm"
import { largeJson, smallJson } from "../../lib/internal/plainJson.ts"

/** Nested in itself so many times. */
const nested = (depth: number): unknown => depth === 0 ? 1 : [nested(depth - 1)]

const twice = { a: 1 }

const cycle: Array<unknown> = []
cycle.push(cycle)

const revoked = Proxy.revocable({}, {})
revoked.revoke()

const record = (id: number) => ({ id, name: `record ${id}`, isActive: id % 2 === 0, score: id / 3, tags: ["a", "b"] })
const many = <A>(make: (n: number) => A, length = 1000) => Array.from({ length }, (_, n) => make(n))

describe("smallJson", () => {
  for (
    const [name, value] of Object.entries({
      "a text": "a \"text\"\n\u2028ж😀",
      "half a character": ["\ud800", { "\udc00": 1 }],
      numbers: [0, 1, -1, 0.1, 1e300, 5e-324, 2 ** 53, -1 / 3],
      "nothing at all": null,
      "what is empty": [[], {}, ""],
      "an object without a prototype": Object.assign(Object.create(null), { a: 1 }),
      "a property named like the prototype": JSON.parse("{\"__proto__\":{\"a\":1},\"b\":2}"),
      "keys in an order of their own": { b: 1, 2: 1, a: 1, 1: 1 },
      "what is frozen": Object.freeze([Object.freeze({ a: 1 })]),
      "properties that no clone has": Object.defineProperty({ a: 1, [Symbol()]: 1 }, "b", { value: 1 }),
      "a getter": {
        get a() {
          return 1
        }
      },
      "a text named toJSON": { toJSON: "text" },
      "what is nested": nested(100)
    })
  ) {
    it(`is of ${name} what structuredClone is`, () => {
      const json = smallJson(value)
      assert.isString(json)
      const [read, cloned] = [JSON.parse(json!), structuredClone(value)]
      assert.deepStrictEqual(read, cloned)
      assert.strictEqual(JSON.stringify(read), JSON.stringify(cloned))
    })
  }

  for (
    const [name, value] of Object.entries({
      undefined: undefined,
      "a property that is undefined": { a: undefined },
      "a hole": Array(1),
      "a hole and a property beside": Object.assign(Array(1), { a: 1 }),
      "an array's properties beside": "abc".match(/b/),
      "numbers that JSON has not": [NaN],
      infinity: -Infinity,
      "minus zero": { a: -0 },
      "a bigint": 1n,
      "a symbol": Symbol.iterator,
      "a function": { toJSON: () => 1 },
      "a Date": new Date(),
      "a Map": [new Map()],
      "an Error": new Error("text"),
      "a number's object": [Object(1)],
      "a typed array": new Uint8Array(1),
      "an instance": new (class {
        a = 1
      })(),
      "an array of a class of its own": new (class extends Array {})(),
      "an array of another realm": runInNewContext("[]"),
      "an object that is there twice": [twice, twice],
      "a cycle": cycle,
      "a proxy": new Proxy({}, {}),
      "a revoked proxy": revoked.proxy,
      "a getter that throws": {
        get a() {
          throw new Error()
        }
      },
      "a long text": "a".repeat(2048),
      "many values": Array(256).fill(1),
      "an array that is long": Array(1e6).fill(1),
      "what is nested deep": nested(101)
    })
  ) it(`is not of ${name}`, () => assert.isUndefined(smallJson(value)))

  it("is not of an object that would be asked how it looks as JSON", () => {
    for (const prototype of [Object.prototype, Array.prototype]) {
      Object.assign(prototype, { toJSON: () => 1 })
      try {
        assert.isUndefined(smallJson([{}]))
      } finally {
        Reflect.deleteProperty(prototype, "toJSON")
      }
    }
  })

  it("is not looked for again soon after an object of so many keys that it takes long to see", () => {
    assert.isUndefined(smallJson(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`key ${n}`, n]))))
    const next = Array.from({ length: 1001 }, (_, n) => smallJson(n))
    assert.deepStrictEqual(next, [...Array(1000).fill(undefined), "1000"])
  })

  it("is what structuredClone is, of whatever it is", () => {
    const options = { withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }
    fc.assert(
      fc.property(fc.anything(options), (value) => {
        const json = smallJson(value)
        if (json !== undefined) assert.deepStrictEqual(JSON.parse(json), structuredClone(value))
      }),
      { numRuns: 2000 }
    )
    const plain = fc.jsonValue({ maxDepth: 3 }).filter((value) => JSON.stringify(value).length < 500)
    fc.assert(fc.property(plain, (value) => void assert.isString(smallJson(value))))
  })
})

describe("largeJson", () => {
  for (
    const [name, value] of Object.entries({
      records: many(record),
      "records within records": { all: many((n) => ({ n, record: record(n) })) },
      "outcomes of a chunk": many((n) => ({ _tag: "Succeeded", value: record(n) }))
    })
  ) {
    it(`is of ${name} what structuredClone is`, () => {
      assert.deepStrictEqual(JSON.parse(largeJson(value)!), structuredClone(value))
    })
  }

  for (
    const [name, value] of Object.entries({
      "a few": many(record, 10),
      "a million": many((id) => ({ id }), 500_001),
      numbers: many((n) => n),
      "fractions in objects": many((n) => ({ x: n / 3, y: n / 7 })),
      "short texts": many((n) => `text ${n}`),
      "long texts in objects": many((n) => ({ text: "a".repeat(50) + n })),
      "an object of many keys": Object.fromEntries(many((n) => [n, n])),
      "what has one part that is not plain": [...many(record), new Date()],
      "what has one part twice": [...many(record), twice, twice]
    })
  ) it(`is not of ${name}`, () => assert.isUndefined(largeJson(value)))
})
