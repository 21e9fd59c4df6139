import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { now } from "../../../lib/internal/clock.ts"
import { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { RunnerClocks } from "../../../lib/internal/cluster/RunnerClocks.ts"
import type { Executor } from "../../../lib/mod.ts"
import { square } from "../../jobs/values.ts"
import { worker } from "../../shared/remoteTasks.ts"
import { until } from "../../shared/until.ts"

const ranMs = 20

const newTask = (
  clocks: RunnerClocks,
  { inputs = [3], isKeyed = false, untilFailure = false }: Partial<
    Pick<RemoteTask["options"], "inputs" | "isKeyed" | "untilFailure">
  > = {}
) => {
  const events: Array<Executor.JobEvent> = []
  const exits: Array<Exit.Exit<unknown, unknown>> = []
  const ran: Array<number> = []
  const task = new RemoteTask({
    id: 5,
    name: () => "job",
    isKeyed,
    job: square,
    inputs,
    priority: 0,
    retryWorkerDeath: 0,
    untilFailure,
    deadline: undefined,
    observer: (event) => events.push(event),
    clocks,
    trace: undefined,
    onSettled: () => {},
    resume: (settled) => {
      const { exits: ends, runMs } = Effect.runSync(settled)
      exits.push(...ends)
      ran.push(runMs)
    }
  })
  /** What is told of it, by its runner's clock begun at that time. */
  const settleWith = (startedAt: number, workerId = 7) => {
    task.replied([Exit.succeed(9)], { ...measured, workerId, startedAt, returnedAt: startedAt + ranMs }, () => {})
    const settled = events.at(-1)
    assert(settled?._tag === "Settled" && settled.startedAt !== undefined)
    return { startedAt: settled.startedAt, at: settled.at }
  }
  return { task, events, exits, ran, settleWith }
}

const measured = { ...worker, startedAt: 0, returnedAt: ranMs, runMs: ranMs, items: [] }

const reply = (task: RemoteTask) => task.replied([Exit.succeed(9)], measured, () => {})

/** How a task settles that nobody waits for. */
const exitsOfUnwanted = (end: (task: RemoteTask) => void) => {
  const { exits, task } = newTask(new RunnerClocks())
  task.verdict = Exit.interrupt()
  end(task)
  return exits
}

const died = Exit.die("of something else")

describe("RemoteTask", () => {
  for (const differenceMs of [-3_600_000, -1, 0, 1, 3_600_000]) {
    for (const isStartHeard of [true, false]) {
      it.live(`tells how long a job ran, with a clock off by ${differenceMs} ms, start heard: ${isStartHeard}`, () =>
        Effect.gen(function*() {
          const { settleWith, task } = newTask(new RunnerClocks())
          if (isStartHeard) task.started(worker)
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
        first.task.started(worker)
        second.task.started(worker)
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
      stopped.task.started(worker)
      stopped.task.wasStopped({ ...worker, startedAt, returnedAt: startedAt + ranMs })
      stopped.task.end(Exit.interrupt())
      const settled = stopped.events.at(-1)
      assert(settled?._tag === "Settled" && settled.status === "interrupted")
      assert.deepInclude(settled, worker)
      assert.approximately(settled.at, startedAt + ranMs, 0.01)
      assert.isAtMost(settled.at, next.settleWith(startedAt + ranMs).startedAt)
    }))

  it("tells where a job was of whose end nobody heard", () => {
    const { events, task } = newTask(new RunnerClocks())
    task.started(worker)
    task.end(Exit.interrupt())
    assert.deepInclude(events.at(-1), { ...worker, resultBytes: 0 })
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

  it.live("takes no runner's clock for that of another", () =>
    Effect.gen(function*() {
      const clocks = new RunnerClocks()
      const early = newTask(clocks)
      const right = newTask(clocks)
      const { acceptedAt } = right.task
      yield* until(() => now() > acceptedAt + 3 * ranMs)
      early.settleWith(acceptedAt - 3_600_000)
      assert.approximately(right.settleWith(acceptedAt + ranMs, 1007).startedAt, acceptedAt + ranMs, 0.01)
    }))

  it("takes all workers of a runner to have one clock, and no job to have returned after that was heard of", () => {
    const clocks = new RunnerClocks()
    const readAs = (workerId: number, earliest: number, latest: number) =>
      clocks.read({ ...worker, workerId, startedAt: 100, returnedAt: 120 }, earliest, latest)
    assert.deepStrictEqual(readAs(1001, 0, 30), { startedAt: 10, at: 30 })
    assert.deepStrictEqual(readAs(1999, 0, 1000), { startedAt: 10, at: 30 })
    assert.deepStrictEqual(readAs(2000, 0, 1000), { startedAt: 100, at: 120 })
    assert.deepStrictEqual(readAs(2001, 15, 25), { startedAt: 5, at: 25 }, "less time than it ran")
  })

  it.live("tells of no time before it was asked for, also of a job that had returned by then", () =>
    Effect.gen(function*() {
      const { settleWith, task } = newTask(new RunnerClocks())
      task.isJoined = true
      yield* until(() => now() > task.acceptedAt)
      const { acceptedAt } = task
      assert.deepStrictEqual(settleWith(acceptedAt - 2 * ranMs), { startedAt: acceptedAt, at: acceptedAt })
    }))

  it("tells once that it has started, and where it was last", () => {
    const { events, task } = newTask(new RunnerClocks())
    task.started(worker)
    task.started({ workerId: 8, runner: "other" })
    task.end(Exit.interrupt())
    assert.deepStrictEqual(
      events.map((event) => event._tag === "Submitted" ? event._tag : [event._tag, event.workerId, event.runner]),
      [
        "Submitted",
        ["Started", 7, "runner"],
        ["Settled", 8, "other"]
      ]
    )
  })

  it("tells of each item what it took, by its own number, and gives each its own end or all the same", () => {
    const items = [{ cpuMs: 1, resultBytes: 10 }, { cpuMs: 2, resultBytes: 20 }]
    const each = [Exit.succeed(9), Exit.succeed(16)]
    const all = Exit.interrupt()
    for (const [replied, expected] of [[each, each], [[all], [all, all]]] as const) {
      const { events, exits, task } = newTask(new RunnerClocks(), { inputs: [3, 4] })
      task.replied(replied, { ...measured, items }, () => {})
      assert.deepStrictEqual(exits, [...expected])
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "Settled" ? [[event.id, event.cpuMs, event.resultBytes]] : []),
        [[5, 1, 10], [6, 2, 20]]
      )
    }
  })

  it("tells its caller how long an item ran, which is how a stream finds the size of its chunks", () => {
    const { ran, task } = newTask(new RunnerClocks())
    reply(task)
    assert.deepStrictEqual(ran, [ranMs])
  })

  it("tells of no time of a job whose result was there already", () => {
    const { events, task } = newTask(new RunnerClocks())
    task.isTakenOver = true
    task.replied([Exit.succeed(9)], measured, () => {})
    assert.deepInclude(events.at(-1), { startedAt: undefined, isTakenOver: true })
  })

  it("ends as it had to when nobody waits for it, unless it had ended in time", () => {
    assert.deepStrictEqual(exitsOfUnwanted(reply), [Exit.succeed(9)])
    assert.deepStrictEqual(exitsOfUnwanted((task) => reply(Object.assign(task, { isCancelled: true }))), [
      Exit.interrupt()
    ])
    assert.deepStrictEqual(exitsOfUnwanted((task) => task.end(died)), [Exit.interrupt()])
  })

  it("tells once when no runner has it any more, and when it has settled", () => {
    for (const isStopped of [true, false]) {
      const { task } = newTask(new RunnerClocks())
      const told: Array<string> = []
      task.onStopped.push(() => told.push("stopped"))
      task.onFinish.push(() => told.push("finished"))
      if (isStopped) {
        task.wasStopped(measured)
        assert.deepStrictEqual(told, ["stopped"])
      }
      task.end(died)
      assert.deepStrictEqual(told, ["stopped", "finished"])
    }
  })

  it("sends the items after one that cannot be sent where its result is kept, for others may ask for it", () => {
    for (const isKeyed of [true, false]) {
      const { events, task } = newTask(new RunnerClocks(), { inputs: [new Date(0), 3], isKeyed, untilFailure: true })
      assert.strictEqual(task.items, isKeyed ? 1 : 0)
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "Settled" ? event.status : []),
        isKeyed ? ["failed"] : ["failed", "interrupted"]
      )
    }
  })
})
