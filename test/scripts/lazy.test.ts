import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import { readRecord } from "./shared/record.ts"
import * as script from "./shared/script.ts"

describe("scripts/lazy.ts", () => {
  it.live("names a --count of which the arrays that it holds at a time fit, and runs with it", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const run = (count: string) =>
        script.run(
          "lazy",
          ["--jobs", "40", "--workers", "2", "--count", count, "--quiet", "--out", out],
          script.withFreeMemory(4_000_000)
        )
      const refused = yield* run("1e12")
      assert.strictEqual(refused.status, 2)
      assert.include(refused.stderr, "--count 1000000000000")
      const fitting = /such as --count (\d+)/.exec(refused.stderr)?.[1]
      if (fitting === undefined) assert.fail(refused.stderr)
      assert.deepStrictEqual(yield* run(fitting), { status: 0, stdout: "", stderr: "" })
      const { jobs } = yield* readRecord(out)
      const bytes = jobs.reduce((sum, { resultBytes }) => sum + resultBytes, 0)
      assert.isAbove(bytes, 4_000_000, "all results together would not fit")
    }))
})
