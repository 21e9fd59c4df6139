import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import * as here from "./shared/here.ts"
import { readRecord } from "./shared/record.ts"
import * as script from "./shared/script.ts"

const tooMuch = ["--jobs", "10", "--count", "100000", "--workers", "2"]

/** Half of what the arrays above take. */
const free = 4_000_000

/** The command line with the one flag that a message names set to the value that it names. */
const instead = (flag: string, message: string) => {
  const value = new RegExp(`such as .*${flag} (\\d+)`).exec(message)?.[1]
  if (value === undefined) assert.fail(`no ${flag} that fits: ${message}`)
  return [...tooMuch, flag, value].filter((_, index, all) => {
    const first = all.indexOf(flag)
    return index !== first && index !== first + 1
  })
}

describe("scripts/eager.ts", () => {
  it.live("refuses what is more than any machine's memory, and starts nothing", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const args = ["--jobs", "1e9", "--count", "1e6", "--out", path.join(folder, "run.json")]
      const { status, stderr, stdout } = yield* here.run("eager", args)
      assert.deepStrictEqual({ status, stdout }, { status: 2, stdout: "" })
      assert.match(stderr, /^--jobs 1000000000 --count 1000000 --workers 3 holds up to 8000000\.0 GB/)
      assert.match(stderr, /--count \d+ or --jobs \d+/)
      assert.deepStrictEqual(yield* script.filesIn(folder), [])
    }))

  it.live("names a --count and a --jobs that fit, and runs with either", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const run = (args: ReadonlyArray<string>, file: string) =>
        script.run("eager", [...args, "--quiet", "--out", path.join(folder, file)], script.withFreeMemory(free))
      const [refused, forced] = yield* script.together(
        run(tooMuch, "refused.json"),
        run([...tooMuch, "--force"], "forced.json")
      )
      assert.strictEqual(refused.status, 2)
      assert.include(refused.stderr, "--force")
      assert.deepStrictEqual(forced, { status: 0, stdout: "", stderr: "" }, "--force runs it anyway")

      const [count, jobs] = yield* script.together(
        run(instead("--count", refused.stderr), "count.json"),
        run(instead("--jobs", refused.stderr), "jobs.json")
      )
      assert.deepStrictEqual(count, { status: 0, stdout: "", stderr: "" })
      assert.deepStrictEqual(jobs, { status: 0, stdout: "", stderr: "" })
      const [smaller, fewer] = yield* Effect.all([
        readRecord(path.join(folder, "count.json")),
        readRecord(path.join(folder, "jobs.json"))
      ])
      assert.strictEqual(smaller.parameters["jobs"], 10)
      assert.strictEqual(fewer.parameters["count"], 100_000)
      for (const { jobs } of [smaller, fewer]) {
        assert.isAtMost(jobs.reduce((bytes, { resultBytes }) => bytes + resultBytes, 0), free)
      }
      assert.deepStrictEqual(yield* script.filesIn(folder), ["count.json", "forced.json", "jobs.json"])
    }))
})
