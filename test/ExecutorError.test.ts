import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ExecutorError } from "../lib/mod.ts"

const died = { job: "sin", workerId: 2, exitCode: 1, reason: "out of memory" }

describe("ExecutorError", () => {
  it("says what happened in one line", () => {
    const messages = [
      new ExecutorError.WorkerDied({ ...died, attempt: 1 }),
      new ExecutorError.WorkerDied({ ...died, attempt: 3 }),
      new ExecutorError.WorkerStartError({ workerId: 2, exitCode: undefined, reason: "no such file" }),
      new ExecutorError.DeadlineExceeded({ job: "sin", clock: "queued", limitMs: 100 })
    ].map((error) => error.message)
    assert.deepStrictEqual(messages, [
      `Worker 2 died while running job "sin": out of memory`,
      `Worker 2 died while running job "sin" on attempt 3: out of memory`,
      "Worker 2 could not be started: no such file",
      `Job "sin" passed its deadline: 100 ms queued`
    ])
  })

  it("can be kept as JSON and read again", () => {
    const codec = Schema.toCodecJson(ExecutorError.ExecutorError)
    const errors = [
      new ExecutorError.WorkerDied({ ...died, exitCode: undefined, attempt: 1 }),
      new ExecutorError.JobThrew({
        job: "sin",
        name: "TypeError",
        message: "no",
        stack: "TypeError: no\n    at sin.ts:1"
      }),
      new ExecutorError.CloneError({ job: "sin", side: "result", reason: "no functions" })
    ]
    for (const error of errors) {
      const json: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(error)))
      const read = Schema.decodeUnknownSync(codec)(json)
      assert.instanceOf(read, error.constructor as typeof ExecutorError.WorkerDied)
      assert.strictEqual(read.message, error.message)
    }
  })
})
