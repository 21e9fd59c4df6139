import { assert, describe, it } from "@effect/vitest"
import { capacity, Slots } from "../../lib/internal/Slots.ts"

/** The two sides of the same memory. */
const open = () => {
  const executor = new Slots()
  return { executor, worker: new Slots(executor.memory) }
}

describe("Slots", () => {
  it("bring inputs and results that are numbers and the like, or small, of each item by itself", () => {
    const { executor, worker } = open()
    const values = [undefined, null, false, true, 0, -0, 1.5, NaN, Infinity, "", "text ж \ud800", [], { n: [1, "b"] }]
    // Numbers go round, and their highest bits are cut off.
    for (const first of [1, capacity - 3, 5 * capacity - 2, 2 ** 29 - 3]) {
      for (const [n, value] of values.entries()) {
        const item = first + n
        executor.send(item)
        assert.isFalse(worker.hasInput(item))
        assert.isTrue(executor.give(item, value))
        assert.isTrue(worker.hasInput(item))
        assert.isFalse(worker.hasInput(item + capacity))
        assert.deepStrictEqual(worker.takeInput(item), value)
        assert.isFalse(worker.hasInput(item))
        assert.isTrue(worker.claim(item, 10 + n))
        assert.isFalse(executor.isDone(item))
        assert.isTrue(worker.put(item, { _tag: "Succeeded", value }, 20 + n, true))
        assert.isTrue(executor.isDone(item))
        assert.deepStrictEqual(executor.takeResult(item), value)
        assert.deepStrictEqual([executor.startedAt(item), executor.returnedAt(item)], [10 + n, 20 + n])
      }
    }
  })

  it("bring nothing else", () => {
    const { executor, worker } = open()
    executor.send(1)
    const others = [1n, Symbol.iterator, new Date(), "text".repeat(1000)]
    for (const value of others) assert.isFalse(executor.give(1, value))
    assert.isFalse(worker.hasInput(1))
    worker.claim(1, 0)
    for (const value of others) assert.isFalse(worker.put(1, { _tag: "Succeeded", value }, 0, true))
    assert.isFalse(worker.put(1, { _tag: "Succeeded", value: "of a chunk" }, 0, false))
    assert.isFalse(worker.put(1, { _tag: "NotFound", reason: "" }, 0, true))
    assert.isFalse(executor.isDone(1))
  })

  it("take no input before the one that was in its place is taken", () => {
    const { executor, worker } = open()
    executor.send(1)
    executor.give(1, 3)
    executor.takeBack(1)
    executor.send(1 + capacity)
    assert.isFalse(executor.give(1 + capacity, 4))
    assert.strictEqual(worker.takeInput(1), 3)
    assert.isTrue(executor.give(1 + capacity, 4))
  })

  it("bring small typed arrays of every kind, each with a buffer of its own", () => {
    const { executor, worker } = open()
    const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]
    const fractions = [Float32Array, Float64Array]
    const arrays = [
      ...[...kinds, ...fractions].map((Kind) => new Kind([1, 2, 255])),
      new BigInt64Array([-1n, 2n ** 60n]),
      new BigUint64Array([2n ** 64n - 1n]),
      new Float64Array([NaN, -0, 0.1]),
      new Float64Array()
    ]
    for (const [n, array] of arrays.entries()) {
      executor.send(n)
      assert.isTrue(executor.give(n, array))
      const input = worker.takeInput(n)
      worker.claim(n, 0)
      assert.isTrue(worker.put(n, { _tag: "Succeeded", value: input }, 0, true))
      const result = executor.takeResult(n)
      assert.deepStrictEqual(result, array)
      assert.deepStrictEqual((result as Uint8Array).buffer, array.buffer)
    }
  })

  it("bring a Buffer as its clone, and no array that is a part of its buffer, shared, resizable, moved or large", () => {
    const { executor, worker } = open()
    executor.send(1)
    const moved = new Uint8Array(1)
    moved.buffer.transfer()
    const others = [
      new Uint8Array(new ArrayBuffer(2), 1),
      new Uint8Array(new ArrayBuffer(2), 0, 1),
      new Uint8Array(new SharedArrayBuffer(1)),
      new Uint8Array(new ArrayBuffer(1, { maxByteLength: 2 })),
      moved,
      new Uint8Array(2049),
      new DataView(new ArrayBuffer(1)),
      new ArrayBuffer(1)
    ]
    for (const value of others) assert.isFalse(executor.give(1, value))
    assert.isTrue(executor.give(1, Buffer.from(new Uint8Array([1, 2]).buffer)))
    assert.deepStrictEqual(worker.takeInput(1), new Uint8Array([1, 2]))
  })

  it("have an item claimed or taken back, whichever comes first", () => {
    const { executor, worker } = open()
    for (const item of [1, 2]) executor.send(item)
    assert.isFalse(executor.isClaimed(1))
    assert.isTrue(worker.claim(1, 0))
    assert.isTrue(executor.isClaimed(1))
    worker.put(1, { _tag: "Succeeded", value: 3 }, 0, true)
    assert.isTrue(executor.isClaimed(1))
    assert.isFalse(executor.takeBack(1))
    assert.isTrue(executor.takeBack(2))
    assert.isFalse(worker.claim(2, 0))
    assert.isFalse(executor.takeBack(2))
    assert.isFalse(worker.claim(1, 0))
    executor.send(3)
    assert.isFalse(worker.claim(3 + capacity, 0))
  })

  it("tell of a reply for what was claimed alone", () => {
    const { executor, worker } = open()
    executor.send(1)
    worker.reply(1)
    assert.isFalse(executor.isReplied(1))
    worker.claim(1, 0)
    assert.isFalse(executor.isReplied(1))
    worker.reply(1)
    assert.isTrue(executor.isReplied(1))
    assert.isFalse(executor.isDone(1))
    executor.send(2)
    worker.claim(2, 0)
    worker.put(2, { _tag: "Succeeded", value: 3 }, 0, true)
    assert.isFalse(executor.isReplied(2))
  })

  it("have a worker woken once, after it has gone to sleep, and the executor told once, after it has looked", () => {
    const { executor, worker } = open()
    assert.deepStrictEqual([executor.mustWake(), executor.mustWake()], [true, false])
    worker.sleep()
    assert.deepStrictEqual([executor.mustWake(), executor.mustWake()], [true, false])
    assert.deepStrictEqual([worker.mustTell(), worker.mustTell()], [true, false])
    executor.listen()
    assert.deepStrictEqual([worker.mustTell(), worker.mustTell()], [true, false])
  })

  it("tell which item is cancelled", () => {
    const { executor, worker } = open()
    assert.isFalse(worker.isCancelled(2 ** 32))
    for (const item of [1, 2 ** 31 + 1, 2 ** 32 + 1]) {
      executor.cancel(item)
      assert.isTrue(worker.isCancelled(item))
      assert.isFalse(worker.isCancelled(item + 1))
      assert.isFalse(worker.isCancelled(item + 2 ** 32))
    }
  })
})
