import { assert, describe, it } from "@effect/vitest"
import { Slots } from "../../lib/internal/Slots.ts"
import * as worker from "../../lib/internal/worker.ts"
import type * as Job from "../../lib/Job.ts"
import { echo, evenLater, squareLater } from "../jobs/values.ts"

const most = 1_000_000

/**
 * How many runs a worker takes before it returns to its event loop, of the many that it could have at once. The first
 * has the input 1, those that it takes by itself have 2. A worker that was interrupted by others does not stay awake, so
 * it has more than one chance.
 */
const takenAtOnce = (job: Job.Any, spins: boolean) => {
  const slots = new Slots()
  let taken = 0
  const next = (input: number) => {
    slots.send(++taken)
    const run = { _tag: "Run", id: taken, job: undefined, inputs: [input], together: false } as const
    return [0, { ...run, spares: [], observed: false, traced: false }] as const
  }
  const port = { post: () => {}, moves: true, receive: () => taken < most ? next(2) : undefined, close: () => {} }
  const receive = worker.make(port, () => job)
  receive([0, { _tag: "Init", workerId: 1, slots: slots.memory, spins, setup: undefined }])
  for (let chance = 0; chance < 100; chance++) {
    const before = taken
    receive(next(1))
    if (taken > before + 1) return taken - before
  }
  return 1
}

describe("a worker that may stay awake", () => {
  it("takes what comes, and in time lets others have their turn", () => {
    const taken = takenAtOnce(echo, true)
    assert.isAbove(taken, 1)
    assert.isBelow(taken, most)
  })

  it("waits for a job that awaits something in its event loop", () => {
    assert.strictEqual(takenAtOnce(squareLater, true), 1)
    assert.strictEqual(takenAtOnce(evenLater, true), 2)
  })
})

describe("a worker that may not", () => {
  it("takes one message in a turn", () => {
    assert.strictEqual(takenAtOnce(echo, false), 1)
  })
})
