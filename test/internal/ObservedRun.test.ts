import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"
import { ObservedRun } from "../../lib/internal/ObservedRun.ts"
import { environment } from "../shared/records.ts"

describe("a run that has ended", () => {
  it.effect("notes nothing of the jobs that outlive it", () =>
    Effect.gen(function*() {
      const run = new ObservedRun({ script: "test", parameters: {} }, environment)
      run.observe({ _tag: "Submitted", id: 1, job: "slow", at: Date.now() })
      run.end("completed")
      yield* Queue.takeAll(run.lines)
      run.observe({ _tag: "Started", id: 1, workerId: 1, at: Date.now() })
      run.observe({ _tag: "Submitted", id: 2, job: "later", at: Date.now() })
      assert.strictEqual(yield* Queue.size(run.lines), 0)
      assert.deepStrictEqual(run.ledger.record()!.jobs.map(({ workerId }) => workerId), [undefined])
    }))
})
