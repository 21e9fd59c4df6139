import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { RunnerClocks } from "../../../lib/internal/cluster/RunnerClocks.ts"
import { now } from "../../../lib/internal/protocol.ts"
import type { Executor } from "../../../lib/mod.ts"
import { square } from "../../jobs/values.ts"
import { until } from "../../shared/until.ts"

const ranMs = 20

const newTask = (clocks: RunnerClocks) => {
  const events: Array<Executor.JobEvent> = []
  const task = new RemoteTask({
    id: 0,
    name: () => "job",
    isKeyed: false,
    job: square,
    inputs: [3],
    priority: 0,
    retryWorkerDeath: 0,
    untilFailure: false,
    deadline: undefined,
    observer: (event) => events.push(event),
    clocks,
    trace: undefined,
    onSettled: () => {},
    resume: () => {}
  })
  /** What is told of it, by its runner's clock begun at that time. */
  const settleWith = (startedAt: number) => {
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
    return { startedAt: settled.startedAt, at: settled.at }
  }
  return { task, events, settleWith }
}

describe("RemoteTask", () => {
  for (const differenceMs of [-3_600_000, -1, 0, 1, 3_600_000]) {
    for (const isStartHeard of [true, false]) {
      it.live(`tells how long a job ran, with a clock off by ${differenceMs} ms, start heard: ${isStartHeard}`, () =>
        Effect.gen(function*() {
          const { settleWith, task } = newTask(new RunnerClocks())
          if (isStartHeard) task.started(7)
          yield* until(() => now() > task.acceptedAt + 3 * ranMs)
          const { at, startedAt } = settleWith(task.acceptedAt + differenceMs)
          assert.approximately(at - startedAt, ranMs, 0.01)
          assert.isAtLeast(startedAt, task.acceptedAt)
          assert.isAtMost(at, now())
        }))
    }
  }

  for (const differenceMs of [-3_600_000, -1, 0, 1]) {
    it.live(`tells of jobs one after the other, their starts heard late, with a clock off by ${differenceMs} ms`, () =>
      Effect.gen(function*() {
        const clocks = new RunnerClocks()
        // Accepted before the first has run.
        const second = newTask(clocks)
        const first = newTask(clocks)
        const startedAt = first.task.acceptedAt + differenceMs
        yield* until(() => now() > first.task.acceptedAt + 3 * ranMs)
        first.task.started(7)
        second.task.started(7)
        const before = first.settleWith(startedAt)
        const after = second.settleWith(startedAt + ranMs)
        assert.isAtMost(before.at, after.startedAt)
        assert.approximately(after.at - before.startedAt, 2 * ranMs, 0.01)
      }))
  }

  it.live("tells of a job that was stopped when it was, and not when that was heard of", () =>
    Effect.gen(function*() {
      const clocks = new RunnerClocks()
      const stopped = newTask(clocks)
      const next = newTask(clocks)
      const startedAt = stopped.task.acceptedAt
      yield* until(() => now() > startedAt + 3 * ranMs)
      stopped.task.started(7)
      stopped.task.wasStopped({ workerId: 7, startedAt, returnedAt: startedAt + ranMs })
      stopped.task.end(Exit.interrupt())
      const settled = stopped.events.at(-1)
      assert(settled?._tag === "Settled" && settled.status === "interrupted")
      assert.strictEqual(settled.workerId, 7)
      assert.approximately(settled.at, startedAt + ranMs, 0.01)
      assert.isAtMost(settled.at, next.settleWith(startedAt + ranMs).startedAt)
    }))

  it("tells where a job was of whose end nobody heard", () => {
    const { events, task } = newTask(new RunnerClocks())
    task.started(7)
    task.end(Exit.interrupt())
    assert.propertyVal(events.at(-1), "workerId", 7)
  })

  it.live("takes a clock for right by what it shows of a job that ran before it was asked for", () =>
    Effect.gen(function*() {
      const clocks = new RunnerClocks()
      const joined = newTask(clocks)
      const next = newTask(clocks)
      joined.task.isJoined = true
      const { acceptedAt } = joined.task
      yield* until(() => now() > acceptedAt + 3 * ranMs)
      const { at, startedAt } = joined.settleWith(acceptedAt - ranMs / 2)
      assert.strictEqual(startedAt, acceptedAt)
      assert.approximately(at, acceptedAt + ranMs / 2, 0.01)
      assert.approximately(next.settleWith(acceptedAt + ranMs).startedAt, acceptedAt + ranMs, 0.01)
    }))
})
