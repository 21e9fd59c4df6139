import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { now } from "../../../lib/internal/protocol.ts"
import type { Executor } from "../../../lib/mod.ts"
import { square } from "../../jobs/values.ts"
import { until } from "../../shared/until.ts"

const ranMs = 20

/** What is told of a job that ran at once, on a runner whose clock differs by so much. */
const settledWith = (differenceMs: number, isStartHeard: boolean) =>
  Effect.gen(function*() {
    const events: Array<Executor.JobEvent> = []
    const task = new RemoteTask({
      id: 0,
      name: () => "job",
      isKeyed: false,
      job: square,
      inputs: [3],
      priority: 0,
      retryWorkerDeath: 0,
      deadline: undefined,
      observer: (event) => events.push(event),
      trace: undefined,
      onSettled: () => {},
      resume: () => {}
    })
    if (isStartHeard) task.started(7)
    yield* until(() => now() > task.acceptedAt + 3 * ranMs)
    const startedAt = task.acceptedAt + differenceMs
    const measured = {
      runner: "runner",
      workerId: 7,
      startedAt,
      returnedAt: startedAt + ranMs,
      runMs: ranMs,
      items: []
    }
    task.replied([Exit.succeed(9)], measured, () => {})
    const settled = events.at(-1)
    assert(settled?._tag === "Settled" && settled.startedAt !== undefined)
    return { acceptedAt: task.acceptedAt, startedAt: settled.startedAt, at: settled.at }
  })

describe("RemoteTask", () => {
  for (const differenceMs of [-3_600_000, -1, 0, 1, 3_600_000]) {
    for (const isStartHeard of [true, false]) {
      it.live(`tells how long a job ran, with a clock off by ${differenceMs} ms, start heard: ${isStartHeard}`, () =>
        Effect.gen(function*() {
          const { acceptedAt, at, startedAt } = yield* settledWith(differenceMs, isStartHeard)
          assert.approximately(at - startedAt, ranMs, 0.01)
          assert.isAtLeast(startedAt, acceptedAt)
          assert.isAtMost(at, now())
        }))
    }
  }
})
