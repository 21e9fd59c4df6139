import { assert, describe, it } from "@effect/vitest"
import type { ToWorker } from "../../lib/internal/protocol.ts"
import { capacity, Slots } from "../../lib/internal/Slots.ts"
import * as worker from "../../lib/internal/worker.ts"
import type * as Job from "../../lib/Job.ts"

/** A worker with its slots, whose jobs note their names and inputs. */
const open = () => {
  const ran: Array<string> = []
  const slots = new Slots()
  const handle = worker.make(
    { post: () => {}, close: () => {} },
    (address): Job.Any => ({
      module: import.meta.url,
      name: String(address),
      run: (input) => ran.push(`${address} ${input}`)
    })
  )
  const tell = (message: ToWorker) => handle([0, message])
  tell({ _tag: "Init", workerId: 1, slots: slots.memory, spins: false, clockOffset: undefined, setup: undefined })
  return {
    ran,
    slots,
    tell,
    send: (id: number, job: string, ...inputs: ReadonlyArray<unknown>) => {
      for (const n of inputs.keys()) slots.send(id + n)
      tell({
        _tag: "Run",
        id,
        job,
        inputs,
        together: false,
        untilFailure: false,
        spares: [],
        observed: false,
        traced: false,
        limited: false,
        asSent: undefined
      })
    },
    give: (id: number, input: unknown) => {
      slots.send(id)
      return slots.give(id, input)
    }
  }
}

describe("inputs in the slots", () => {
  it("are run in the order of the items, by the job of the message before", () => {
    const { give, ran, send, tell } = open()
    send(1, "first", "a")
    for (const [n, input] of [undefined, null, false, true, 0.5].entries()) assert.isTrue(give(2 + n, input))
    send(7, "second", "b")
    give(8, 8)
    tell({ _tag: "Given" })
    assert.deepStrictEqual(ran, [
      "first a",
      "first undefined",
      "first null",
      "first false",
      "first true",
      "first 0.5",
      "second b",
      "second 8"
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
    assert.isFalse(give(1, "text") || give(1, 1n) || give(1, {}))
  })
})

describe("a worker that shares no memory", () => {
  it("begins no item that its port keeps back", () => {
    const ran: Array<unknown> = []
    const claimed: Array<number> = []
    const run = { _tag: "Run", job: "", together: true, untilFailure: false, spares: [], observed: false } as const
    const handle = worker.make(
      { post: () => {}, close: () => {}, isElsewhere: true, claim: (item) => claimed.push(item) < 3 },
      (): Job.Any => ({ module: import.meta.url, name: "note", run: (input) => ran.push(input) })
    )
    handle([0, { ...run, id: 1, inputs: ["a", "b", "c", "d"], traced: false, limited: false, asSent: undefined }])
    assert.deepStrictEqual(ran, ["a", "b"])
    assert.deepStrictEqual(claimed, [1, 2, 3, 4])
  })
})
