import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { EventEmitter } from "node:events"
import * as SpawnedWorkers from "../../lib/internal/SpawnedWorkers.ts"
import { job } from "../shared/puppets.ts"

const open = () => {
  const killed: Array<EventEmitter> = []
  const workers = SpawnedWorkers.make(
    new URL(import.meta.url),
    () => new EventEmitter(),
    (worker) => killed.push(worker)
  )
  return { ...workers, killed }
}

describe("SpawnedWorkers", () => {
  it.effect("kills a worker that is to end, and waits until it is gone", () =>
    Effect.gen(function*() {
      const { host, killed, spawn, spawned } = open()
      const [first, second] = [spawn(1), spawn(2)]
      const terminating = yield* Effect.forkChild(host.terminate(1), { startImmediately: true })
      assert.deepStrictEqual(killed, [first])
      yield* Effect.promise(() => new Promise(setImmediate))
      assert.isUndefined(terminating.pollUnsafe())
      assert.strictEqual(spawned(1), first)
      first.emit("exit", null, "SIGKILL")
      yield* Effect.promise(() => new Promise(setImmediate))
      assert.isDefined(terminating.pollUnsafe())
      assert.isUndefined(spawned(1))
      assert.strictEqual(spawned(2), second)
    }))

  it.effect("does nothing to one that is gone", () =>
    Effect.gen(function*() {
      const { host, killed, spawn } = open()
      spawn(1).emit("exit", 3)
      yield* host.terminate(1)
      yield* host.terminate(2)
      assert.deepStrictEqual(killed, [])
    }))

  it("tells once how a worker went, as far as the system says", () => {
    const { host, spawn } = open()
    spawn(1).emit("exit", 3, null)
    spawn(2).emit("exit", null, "SIGSEGV")
    spawn(3).emit("exit", null, null)
    spawn(4)
    assert.deepStrictEqual([1, 2, 3, 4, 5].map(host.exitOf), [
      { exitCode: 3, signal: undefined },
      { exitCode: undefined, signal: "SIGSEGV" },
      { exitCode: undefined, signal: undefined },
      { exitCode: undefined },
      { exitCode: undefined }
    ])
    assert.deepStrictEqual(host.exitOf(1), { exitCode: undefined })
  })

  it("has a message that cannot be read be one that says so, and nothing else", () => {
    const { spawn } = open()
    const worker = spawn(1)
    const messages: Array<unknown> = []
    worker.on("message", (message) => messages.push(message))
    assert.strictEqual(worker.on("messageerror", (error) => messages.push(error)), worker)
    worker.emit("messageerror", new Error("garbled"))
    assert.deepStrictEqual(messages, [[1, { _tag: "Unread", side: "result", reason: "garbled" }]])
  })

  it("names a job by its module and its name", () => {
    const { name, module } = job("square")
    assert.deepStrictEqual(open().host.address(job("square")), { module, name })
    assert.isUndefined(open().host.refusal(job("square")))
  })

  it("spawns nothing of a file that is not there, and says what is expected", () => {
    const { spawn } = SpawnedWorkers.make(
      new URL("nowhere.js", import.meta.url),
      () => assert.fail("spawned"),
      () => {}
    )
    assert.throws(
      () => spawn(1),
      /^There is no .*nowhere\.js: expected effect-futures not to be bundled, but external$/
    )
  })
})
