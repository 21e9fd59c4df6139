import { assert, describe, it } from "@effect/vitest"
import type { FromWorker, ToWorker } from "../../lib/internal/protocol.ts"
import { capacity, Slots } from "../../lib/internal/Slots.ts"
import * as worker from "../../lib/internal/worker.ts"
import type * as Job from "../../lib/Job.ts"
import { runMessage } from "../shared/runMessage.ts"

/** A worker with its slots, whose jobs note their names and inputs, and return the inputs as text. */
const open = (during: (input: unknown, context: Job.Context, slots: Slots) => void = () => {}) => {
  const ran: Array<string> = []
  const replies: Array<FromWorker> = []
  const slots = new Slots()
  const handle = worker.make(
    { post: ([, message]) => void (message && replies.push(message)), close: () => {} },
    (address): Job.Any => ({
      module: import.meta.url,
      name: String(address),
      run: (input, context) => {
        ran.push(`${address} ${input}`)
        during(input, context, slots)
        return `${input}`
      }
    })
  )
  const tell = (message: ToWorker) => handle([0, message])
  tell({ _tag: "Init", workerId: 1, slots: slots.memory, spins: false, clockOffset: undefined, setup: undefined })
  return {
    ran,
    replies,
    slots,
    tell,
    send: (id: number, job: string, ...inputs: ReadonlyArray<unknown>) => {
      for (const n of inputs.keys()) slots.send(id + n)
      tell(runMessage(id, job, inputs))
    },
    give: (id: number, input: unknown) => {
      slots.send(id)
      return slots.give(id, input)
    }
  }
}

describe("results that come in one message", () => {
  it("are each of the item that they belong to, though one between them was taken back", () => {
    let first = 1
    const { ran, replies, send } = open((input, _, slots) => {
      if (input === "a") slots.takeBack(first + 1)
    })
    // Often, for results that take long to come go one by one.
    for (; first <= 100; first += 3) send(first, "job", "a", "b", "c")
    assert.deepStrictEqual(new Set(ran), new Set(["job a", "job c"]))
    const settled = replies.filter((reply) => reply._tag === "Settled")
    const values = settled.flatMap(({ id, outcomes }) =>
      outcomes.map((outcome, n) => [id + n, outcome._tag === "Succeeded" && outcome.value])
    )
    assert.deepStrictEqual(values, values.map((_, n) => n % 2 === 0 ? [1 + 3 * n / 2, "a"] : [3 * (n + 1) / 2, "c"]))
    assert.lengthOf(values, 68)
  })
})

describe("a cancellation", () => {
  it("aborts the signal of the item that it names, and of no other", () => {
    const aborted: Array<boolean> = []
    const { send, tell } = open((_, { signal }) => {
      for (const item of [2, 1]) {
        tell({ _tag: "Cancel", first: item, last: item })
        aborted.push(signal.aborted)
      }
    })
    send(1, "first", "a")
    assert.deepStrictEqual(aborted, [false, true])
  })

  it("is of no item whose number is the same but for what 32 bits cannot hold", () => {
    const { ran, send } = open()
    send(2 ** 32, "job", "a")
    assert.deepStrictEqual(ran, ["job a"])
  })

  it("has a job not run whose module is still loading", async () => {
    const ran: Array<unknown> = []
    const found = Promise.withResolvers<Job.Any>()
    const settled = Promise.withResolvers<FromWorker | undefined>()
    const handle = worker.make(
      { post: ([, message]) => message && settled.resolve(message), close: () => {}, isElsewhere: true },
      () => found.promise
    )
    handle([0, runMessage(1, "", ["a"])])
    handle([0, { _tag: "Cancel", first: 1, last: 1 }])
    found.resolve({ module: import.meta.url, name: "note", run: (input) => ran.push(input) })
    assert.strictEqual((await settled.promise)?._tag, "Settled")
    assert.deepStrictEqual(ran, [])
  })
})

describe("inputs in the slots", () => {
  it("are run in the order of the items, by the job of the message before", () => {
    const { give, ran, send, tell } = open()
    send(1, "first", "a")
    for (const [n, input] of [undefined, null, false, true, 0.5, "text"].entries()) assert.isTrue(give(2 + n, input))
    send(8, "second", "b")
    give(9, 9)
    tell({ _tag: "Given" })
    assert.deepStrictEqual(ran, [
      "first a",
      "first undefined",
      "first null",
      "first false",
      "first true",
      "first 0.5",
      "first text",
      "second b",
      "second 9"
    ])
  })

  it("are told of where the worker sleeps, once", () => {
    const { give, send, slots, tell } = open()
    send(1, "first", "a")
    give(2, 2)
    assert.deepStrictEqual([slots.mustWake(), slots.mustWake()], [true, false])
    tell({ _tag: "Given" })
    assert.isTrue(slots.mustWake())
  })

  it("are not run when they were taken back, nor overwritten before the worker has seen that", () => {
    const { give, ran, send, slots, tell } = open()
    send(1, "first", "a")
    give(2, 2)
    assert.isTrue(slots.takeBack(2))
    assert.isFalse(give(2 + capacity, 3))
    tell({ _tag: "Given" })
    assert.isTrue(give(3, 3))
    tell({ _tag: "Given" })
    assert.deepStrictEqual(ran, ["first a", "first 3"])
  })

  it("are those that a slot can hold", () => {
    const { give } = open()
    assert.isFalse(give(1, 1n) || give(1, new Map()) || give(1, "text".repeat(1000)))
  })
})

describe("a worker that shares no memory", () => {
  it("begins no item that its port keeps back", () => {
    const ran: Array<unknown> = []
    const claimed: Array<number> = []
    const handle = worker.make(
      { post: () => {}, close: () => {}, isElsewhere: true, claim: (item) => claimed.push(item) < 3 },
      (): Job.Any => ({ module: import.meta.url, name: "note", run: (input) => ran.push(input) })
    )
    handle([0, runMessage(1, "", ["a", "b", "c", "d"])])
    assert.deepStrictEqual(ran, ["a", "b"])
    assert.deepStrictEqual(claimed, [1, 2, 3, 4])
  })
})
