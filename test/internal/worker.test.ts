import { assert, describe, it } from "@effect/vitest"
import { Slots } from "../../lib/internal/Slots.ts"
import * as worker from "../../lib/internal/worker.ts"
import type * as Job from "../../lib/Job.ts"
import { echo, squareLater } from "../jobs/values.ts"

const most = 1_000_000

/** How many runs a worker has taken when it returns to its event loop, of the many that it would be given at once. */
const takenAtOnce = (job: Job.Any, spins: boolean) => {
  const slots = new Slots()
  let taken = 0
  const next = () => {
    if (taken === most) return undefined
    slots.send(++taken)
    const run = { _tag: "Run", id: taken, job: undefined, inputs: [0], together: false } as const
    return [0, { ...run, spares: [], observed: false, traced: false }] as const
  }
  const receive = worker.make({ post: () => {}, moves: true, receive: next, close: () => {} }, () => job)
  receive([0, { _tag: "Init", workerId: 1, slots: slots.memory, spins, setup: undefined }])
  receive(next()!)
  return taken
}

describe("a worker that may stay awake", () => {
  it("takes what comes, and in time lets others have their turn", () => {
    const taken = takenAtOnce(echo, true)
    assert.isAbove(taken, 1)
    assert.isBelow(taken, most)
  })

  it("waits for a job that awaits something in its event loop", () => {
    assert.strictEqual(takenAtOnce(squareLater, true), 1)
  })
})

describe("a worker that may not", () => {
  it("takes one message in a turn", () => {
    assert.strictEqual(takenAtOnce(echo, false), 1)
  })
})
