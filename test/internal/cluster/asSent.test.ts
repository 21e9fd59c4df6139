import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { hasSchemas, runAsSent } from "../../../lib/internal/cluster/asSent.ts"
import type { Job } from "../../../lib/mod.ts"
import { square } from "../../jobs/values.ts"

const job = (schemas: object) => ({ ...square, schemas }) as Job.Any

/** Runs a job that gives back what it is given, and tells what that was. */
const run = async (job: Job.Any, sent: unknown) => {
  const inputs: Array<unknown> = []
  const outcome = await runAsSent(job, sent, (value) => {
    inputs.push(value)
    return { _tag: "Succeeded", value }
  }, undefined)
  return { inputs, outcome }
}

const epoch = new Date(0)

describe("runAsSent", () => {
  it("has a job that has a schema for its input alone run with what that makes of it", async () => {
    const dates = job({ input: Schema.Date })
    assert.isTrue(hasSchemas(dates))
    assert.deepStrictEqual(await run(dates, epoch.toISOString()), {
      inputs: [epoch],
      outcome: { _tag: "Succeeded", value: epoch }
    })
  })

  it("tells of which side it is that does not fit its schema, and runs nothing with such an input", async () => {
    const input = await run(job({ input: Schema.Date }), [])
    assert.deepInclude({ ...input.outcome }, { _tag: "NotCloned", side: "input" })
    assert.deepStrictEqual(input.inputs, [])
    const result = await run(job({ result: Schema.Date }), "no date")
    assert.deepInclude({ ...result.outcome }, { _tag: "NotCloned", side: "result" })
    assert.deepStrictEqual(result.inputs, ["no date"])
  })

  it("leaves a failure as it is, which is no result", async () => {
    const failed = { _tag: "Failed", error: "too late" } as const
    assert.strictEqual(await runAsSent(job({ result: Schema.Date }), 3, () => failed, undefined), failed)
  })
})
