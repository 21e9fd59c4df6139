import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import { job, runRecord } from "../../shared/records.ts"
import * as here from "../shared/here.ts"
import * as script from "../shared/script.ts"

const checked = Effect.fnUntraced(function*(record: object, ...args: ReadonlyArray<string>) {
  const file = path.join(yield* script.folder, "run.json")
  yield* script.write(file, JSON.stringify(record))
  const { status, stderr, stdout } = yield* here.run("review", ["check", file, ...args])
  return { status, message: stderr.trimEnd(), lines: stdout.replaceAll(file, "run.json").trimEnd().split("\n") }
})

describe("review check", () => {
  it.live("names a job that began or returned before it was submitted, and one submitted after the end", () =>
    Effect.gen(function*() {
      const { startedMs: _, ...queued } = job(2, { status: "interrupted", submittedMs: 9, returnedMs: 8 })
      const jobs = [
        job(0, { submittedMs: 2 }),
        job(1, { submittedMs: 2000, startedMs: 2000, returnedMs: 2000 }),
        queued
      ]
      assert.deepStrictEqual(yield* checked({ ...runRecord, jobs }), {
        status: 1,
        message: "1 of 1 is not valid",
        lines: [
          "run.json: /jobs/0/startedMs: must not be before submittedMs",
          "run.json: /jobs/1/submittedMs: must not be after the run's end: 1000",
          "run.json: /jobs/1/startedMs: must not be after the run's end: 1000",
          "run.json: /jobs/1/returnedMs: must not be after the run's end: 1000",
          "run.json: /jobs/2/returnedMs: must not be before submittedMs"
        ]
      })
    }))

  it.live("takes times that are all the same for possible", () =>
    Effect.gen(function*() {
      const jobs = [job(0, { submittedMs: 1000, startedMs: 1000, returnedMs: 1000 })]
      const finishedAt = runRecord.startedAt
      assert.deepStrictEqual(yield* checked({ ...runRecord, jobs, finishedAt }), {
        status: 0,
        message: "",
        lines: ["1 valid"]
      })
    }))

  it.live("judges a record as the kind that it looks like", () =>
    Effect.gen(function*() {
      const { jobs: _, memory: __, summary: ___, ...common } = runRecord
      for (const [part, at] of [["runs", "/runs/0"], ["cases", "/cases/0"]] as const) {
        const { lines } = yield* checked({ ...common, [part]: [{}] })
        assert.isNotEmpty(lines)
        for (const line of lines) assert.match(line, new RegExp(`^run\\.json: ${at}: must have required property`))
      }
      assert.deepStrictEqual((yield* checked(common)).lines, [
        "run.json: must have required property 'jobs'",
        "run.json: must have required property 'memory'",
        "run.json: must have required property 'summary'"
      ])
    }))

  it.live("prints ten problems of a file and counts the rest, and tells all with --json", () =>
    Effect.gen(function*() {
      const jobs = Array.from({ length: 12 }, (_, n) => job(n, { resultBytes: -1 }))
      const { lines } = yield* checked({ ...runRecord, jobs })
      assert.lengthOf(lines, 11)
      assert.strictEqual(lines[9], "run.json: /jobs/9/resultBytes: must be >= 0")
      assert.strictEqual(lines[10], "run.json: and 2 more")
      const ten = yield* checked({ ...runRecord, jobs: jobs.slice(0, 10) })
      assert.lengthOf(ten.lines, 10)
      const json = yield* checked({ ...runRecord, jobs }, "--json")
      assert.lengthOf(JSON.parse(json.lines.join("\n"))[0].problems, 12)
    }))
})
