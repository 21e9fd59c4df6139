import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import fs from "node:fs"
import path from "node:path"
import type { Duplex } from "node:stream"
import type { FromWorker } from "../../lib/internal/protocol.ts"
import type * as Job from "../../lib/Job.ts"
import * as chatter from "../jobs/chatter.ts"
import * as values from "../jobs/values.ts"
import { makeNotes } from "../shared/backEnds.ts"
import { runMessage } from "../shared/runMessage.ts"

const entry = new URL("../../lib/internal/processEntry.js", import.meta.url)

/** A worker process, without an executor. */
const start = (...execArgv: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      fork(entry, {
        execArgv: [...execArgv],
        serialization: "advanced",
        stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const run = (child: ChildProcess, id: number, { module, name }: Job.Any, input: unknown) =>
  Effect.promise(async () => {
    const settled = Promise.withResolvers<FromWorker>()
    const listener = ([, message]: readonly [number, FromWorker?]) => {
      if (message?._tag === "Settled") settled.resolve(message)
    }
    child.on("message", listener)
    child.send([0, runMessage(id, { module, name }, [input])])
    const reply = await settled.promise
    child.off("message", listener)
    return reply._tag === "Settled" ? reply.outcomes : []
  })

const holdBack = (child: ChildProcess, item: number) =>
  Effect.promise(async () => {
    const pipe = child.stdio[4] as Duplex
    const asked = Buffer.alloc(8)
    asked.writeBigInt64LE(BigInt(item))
    const answer = Promise.race([once(pipe, "data"), once(child, "exit")])
    pipe.write(asked)
    return String((await answer)[0])
  })

/** Ends its process when another thread than the first loads it. */
const preload = `if (!require("node:worker_threads").isMainThread) process.kill(process.pid, "SIGKILL")`

describe("a worker process", () => {
  it.live("begins nothing any more when it has said so", () =>
    Effect.gen(function*() {
      const child = yield* start()
      assert.deepStrictEqual(yield* run(child, 1, values.square, 3), [{ _tag: "Succeeded", value: 9 }])
      assert.strictEqual(yield* holdBack(child, 2), "held")
      assert.deepStrictEqual(yield* run(child, 2, values.square, 3), [])
    }))

  it.live("ends by itself when its executor is gone, whatever a job has left behind", () =>
    Effect.gen(function*() {
      const child = yield* start()
      yield* run(child, 1, chatter.ticks, undefined)
      const exit = once(child, "exit")
      child.disconnect()
      assert.deepStrictEqual(yield* Effect.promise(() => exit), [0, null])
    }))

  it.live("loads once what its flags have it load", () =>
    Effect.gen(function*() {
      const file = path.join(yield* makeNotes, "preload.cjs")
      fs.writeFileSync(file, preload)
      assert.strictEqual(yield* holdBack(yield* start("--require", file), 1), "held")
    }))
})
