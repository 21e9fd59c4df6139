import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import type { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { RemoteTasks } from "../../../lib/internal/cluster/RemoteTasks.ts"
import { ExecutorError, type Job } from "../../../lib/mod.ts"
import { echo, square } from "../../jobs/values.ts"

/** The tasks of a program that has room for so many, and those that were submitted. */
const make = (room = Infinity) => {
  const submitted: Array<RemoteTask> = []
  const tasks = new RemoteTasks(() => room, (task) => submitted.push(task))
  /** How the latest task of a name ended. */
  const exits = new Map<string, Exit.Exit<unknown, unknown>>()
  const accept = (name: string, input: unknown = 3, job: Job.Any = square) =>
    tasks.accept({
      name: () => name,
      isKeyed: false,
      job,
      inputs: [input],
      priority: 0,
      retryWorkerDeath: 0,
      untilFailure: false,
      deadline: undefined,
      observer: undefined,
      trace: undefined,
      resume: (settled) => exits.set(name, Effect.runSync(settled).exits[0]!)
    })
  return { tasks, accept, submitted, exits }
}

const counts = (tasks: RemoteTasks) => {
  const { busy, died, failed, finished, queued } = tasks.stats(1)
  return { busy, died, failed, finished, queued }
}

const measured = { runner: "runner", workerId: 7, startedAt: 0, returnedAt: 1, runMs: 1, items: [] }

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

  it("tells who joins a job that runs that it has started, unless it is being cancelled", () => {
    const { accept, tasks } = make()
    const [a, b, c] = [accept("job"), accept("job"), accept("job")]
    tasks.join([a])
    tasks.started("job", 7)
    assert.deepInclude(counts(tasks), { busy: 1, queued: 2 })
    tasks.join([b])
    assert.strictEqual(b.workerId, 7)
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
})
