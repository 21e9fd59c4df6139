import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { now } from "../../../lib/internal/clock.ts"
import type { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { RemoteTasks } from "../../../lib/internal/cluster/RemoteTasks.ts"
import { type Executor, ExecutorError, type Job } from "../../../lib/mod.ts"
import { echo, square } from "../../jobs/values.ts"
import { accept as acceptAny, worker } from "../../shared/remoteTasks.ts"
import { until } from "../../shared/until.ts"

/** The tasks of a program that has room for so many, and those that were submitted. */
const make = (room = Infinity) => {
  const submitted: Array<RemoteTask> = []
  const tasks = new RemoteTasks(() => room, (task) => submitted.push(task))
  /** How the latest task of a name ended. */
  const exits = new Map<string, Exit.Exit<unknown, unknown>>()
  /** What is told of the tasks. */
  const events: Array<Executor.JobEvent> = []
  const accept = (name: string, input: unknown = 3, job: Job.Any = square, ...others: ReadonlyArray<unknown>) =>
    tasks.accept({
      name: () => name,
      isKeyed: false,
      job,
      inputs: [input, ...others],
      priority: 0,
      retryWorkerDeath: 0,
      untilFailure: false,
      deadline: undefined,
      observer: (event) => events.push(event),
      trace: undefined,
      resume: (settled) => exits.set(name, Effect.runSync(settled).exits[0]!)
    })
  return { tasks, accept, submitted, exits, events }
}

const counts = (tasks: RemoteTasks) => {
  const { busy, died, failed, finished, queued } = tasks.stats(1)
  return { busy, died, failed, finished, queued }
}

const measured = { ...worker, startedAt: 0, returnedAt: 1, runMs: 1, items: [] }

describe("RemoteTasks.accept", () => {
  it("settles at once a task without inputs, and submits nothing", () => {
    const { submitted, tasks } = make()
    assert.strictEqual(acceptAny(tasks, "none", { inputs: [] }).task.state, "settled")
    assert.deepStrictEqual(submitted, [])
    assert.deepStrictEqual(counts(tasks), { busy: 0, died: 0, failed: 0, finished: 0, queued: 0 })
  })
})

describe("RemoteTasks.dispatch", () => {
  it("submits as many as there is room for, and the next when one has settled", () => {
    const { accept, submitted, tasks } = make(2)
    const [a, b, c] = [accept("a"), accept("b"), accept("c")]
    assert.deepStrictEqual(submitted, [a, b])
    tasks.join([a, b])
    tasks.end(a, Exit.interrupt())
    assert.deepStrictEqual(submitted, [a, b, c])
    assert.deepStrictEqual([...tasks.unsettled], [b, c])
  })

  it("submits nothing that was cancelled while it waited, or once it is closed", () => {
    const { accept, submitted, tasks } = make(1)
    const [a, b] = [accept("a"), accept("b")]
    tasks.end(b, Exit.interrupt())
    accept("c")
    tasks.isClosed = true
    tasks.end(a, Exit.interrupt())
    assert.deepStrictEqual(submitted, [a])
  })
})

describe("RemoteTasks.join", () => {
  it("submits a job for the first task that wants it, and lets the others join", () => {
    const { accept, tasks } = make()
    const [a, b, other] = [accept("job"), accept("job"), accept("other")]
    assert.deepStrictEqual(tasks.join([a, b, other]), [a, other])
    assert.deepStrictEqual(tasks.of("job"), [a, b])
    assert.deepStrictEqual([a, b, other].map(({ isJoined }) => isJoined), [false, true, false])
    assert.deepStrictEqual([a, b, other].map((task) => tasks.isShared(task)), [true, true, false])
  })

  it("lets who joins take over what the others do", () => {
    const { accept, tasks } = make()
    const [a, b] = [accept("job"), accept("job")]
    tasks.join([a])
    a.isTakenOver = true
    tasks.join([b])
    assert.isTrue(b.isTakenOver)
  })

  it("tells who joins a job that runs that it has started, unless it is being cancelled", () => {
    const { accept, tasks } = make()
    const [a, b, c] = [accept("job"), accept("job"), accept("job")]
    tasks.join([a])
    tasks.started("job", worker)
    assert.deepInclude(counts(tasks), { busy: 1, queued: 2 })
    tasks.join([b])
    assert.deepStrictEqual(b.worker, worker)
    a.verdict = b.verdict = Exit.interrupt()
    tasks.join([c])
    assert.isUndefined(c.startedAt)
    assert.deepStrictEqual([a, c].map((task) => tasks.isShared(task)), [true, false])
  })

  it("refuses another input or job under a name that the cluster has, and passes over what has settled", () => {
    const { accept, exits, tasks } = make()
    const [first, gone] = [accept("key/job"), accept("key/job")]
    tasks.end(gone, Exit.interrupt())
    tasks.join([first, gone])
    assert.deepStrictEqual(tasks.sent, [])
    first.state = "sent"
    assert.deepStrictEqual(tasks.sent, ["key/job"])
    for (const refused of [accept("key/job", 4), accept("key/job", 3, echo)]) {
      assert.deepStrictEqual(tasks.join([refused]), [])
      const exit = exits.get("key/job")!
      assert(Exit.isFailure(exit))
      assert.deepInclude({ ...Cause.squash(exit.cause) as ExecutorError.InvalidOptions }, {
        option: "key",
        value: "job"
      })
    }
    assert.deepStrictEqual(tasks.of("key/job"), [first])
    const joined = accept("key/job")
    tasks.join([joined])
    assert.strictEqual(joined.state, "sent")
  })

  it("refuses nobody while a job is on its way, for the cluster may know the name by another's", () => {
    const { accept, exits, tasks } = make()
    const [first, other] = [accept("key/job"), accept("key/job", 4)]
    assert.deepStrictEqual(tasks.join([first, other]), [first])
    assert.isTrue(tasks.refuse(first, "square", other.inputHash))
    assert.isTrue(exits.has("key/job"))
    assert.deepStrictEqual(tasks.of("key/job"), [other])
    assert.strictEqual(other.state, "submitting")
  })
})

describe("RemoteTasks.submitAgain", () => {
  it("has the tasks of a job join anew, for one submission", () => {
    const { accept, submitted, tasks } = make()
    const [a, b] = [accept("job"), accept("job")]
    tasks.join(submitted.splice(0))
    for (const task of tasks.of("job")) tasks.submitAgain(task)
    assert.isFalse(tasks.has("job"))
    assert.deepStrictEqual(submitted, [a, b])
    assert.deepStrictEqual(tasks.join(submitted), [a])
  })
})

describe("RemoteTasks.stats", () => {
  it("counts each task once, however it ends", () => {
    const { accept, exits, tasks } = make()
    const [done, died, lost, found] = [accept("a"), accept("b"), accept("c"), accept("d")]
    accept("e", new Date())
    assert.deepStrictEqual(counts(tasks), { busy: 0, died: 0, failed: 1, finished: 0, queued: 4 })
    tasks.join([done, died, lost, found])
    const death = new ExecutorError.WorkerDied({ job: "square", workerId: 7, exitCode: 1, reason: "", attempt: 2 })
    found.isTakenOver = true
    tasks.replied(done, [Exit.succeed(9)], measured, () => {})
    tasks.replied(died, [Exit.fail(death)], measured, () => {})
    tasks.replied(found, [Exit.fail(death)], measured, () => {})
    tasks.end(lost, Exit.interrupt())
    tasks.end(lost, Exit.interrupt())
    assert.deepStrictEqual(counts(tasks), { busy: 0, died: 2, failed: 4, finished: 1, queued: 0 })
    assert.deepStrictEqual(exits.get("a"), Exit.succeed(9))
    assert.strictEqual(tasks.unsettled.size, 0)
  })

  it("counts a job as begun once, and tells so also where only its end was heard of", () => {
    const { accept, events, tasks } = make()
    const [begun, waits] = [accept("a"), accept("b")]
    tasks.join([begun, waits])
    tasks.started("a", worker)
    tasks.started("a", { ...worker, workerId: 8 })
    assert.deepInclude(counts(tasks), { busy: 1, queued: 1 })
    tasks.replied(waits, [Exit.succeed(9)], { ...measured, runMs: 3 }, () => {})
    assert.deepStrictEqual(events.filter(({ id }) => id === waits.id).map(({ _tag }) => _tag), [
      "Submitted",
      "Started",
      "Settled"
    ])
    assert.strictEqual(tasks.stats(1).runMs.p50, 3)
  })

  it.live("tells how long jobs waited, and ran with all their items", () =>
    Effect.gen(function*() {
      const { accept, tasks } = make()
      const chunk = accept("a", 3, square, 4)
      tasks.join([chunk])
      yield* until(() => now() > chunk.acceptedAt)
      tasks.replied(chunk, [Exit.succeed(9), Exit.succeed(16)], { ...measured, runMs: 3 }, () => {})
      const { runMs, waitMs } = tasks.stats(1)
      assert.strictEqual(runMs.p50, 6)
      assert.isAbove(waitMs.p50, 0)
    }))
})

describe("RemoteTasks.drain", () => {
  it.effect("waits until all items have ended", () =>
    Effect.gen(function*() {
      const { accept, tasks } = make()
      const [chunk, other] = [accept("a", 3, square, 4, new Date(0)), accept("b")]
      tasks.join([chunk, other])
      const fiber = yield* Effect.forkChild(tasks.drain.wait, { startImmediately: true })
      tasks.replied(chunk, [Exit.succeed(9), Exit.succeed(16)], measured, () => {})
      assert.isUndefined(fiber.pollUnsafe())
      tasks.end(other, Exit.interrupt())
      yield* Fiber.join(fiber)
    }))
})
