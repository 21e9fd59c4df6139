import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import { pairs, readLog, readRecord } from "./shared/record.ts"
import * as script from "./shared/script.ts"

const small = ["--jobs", "6", "--count", "100000", "--workers", "2"]

const numbers = [0, 1, 2, 3, 4, 5]

/** One or two scripts for each: what they do with a signal is not their own. */
const signals = {
  eager: ["SIGINT", 130],
  lazy: ["SIGHUP", 129],
  remove: ["SIGTERM", 143],
  loan: ["SIGTERM", 143]
} as const

describe.each(script.experiments)("scripts/%s.ts", (name) => {
  it.live("logs each job as it starts and returns, and leaves a record of all", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const { status, stderr, stdout } = yield* script.run(name, [...small, "--out", out], {
        env: { TZ: "Asia/Tokyo" }
      })
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })

      const log = readLog(stdout)
      assert.deepStrictEqual(log.jobs("started").toSorted(), numbers)
      assert.deepStrictEqual(log.jobs("return").toSorted(), numbers)
      assert.isAtMost(log.mostAtOnce(), 2)
      assert.lengthOf(log.memory, 6)
      for (const [before, after] of pairs(log.memory)) assert.isAtLeast(after, before, "a peak does not fall")
      for (const [before, after] of pairs(log.times)) assert.isTrue(before <= after, "the log is in the order of time")

      const record = yield* readRecord(out)
      assert.strictEqual(record.script, name)
      assert.strictEqual(record.status, "completed")
      assert.deepStrictEqual(record.parameters, {
        jobs: 6,
        count: 100_000,
        workers: 2,
        executor: "thread",
        kernel: "math"
      })
      assert.strictEqual(record.environment.node, process.versions.node)
      assert.deepStrictEqual(record.jobs.map(({ job }) => job), numbers)
      for (const job of record.jobs) {
        assert.strictEqual(job.status, "succeeded")
        assert.strictEqual(job.resultBytes, 8 * 100_000)
        assert.include([1, 2], job.workerId)
        assert.isDefined(job.startedMs)
        assert.isDefined(job.returnedMs)
        assert.isDefined(job.cpuMs)
      }
      assert.strictEqual(record.memory[0]!.finishedJobs, 0)
      assert.strictEqual(record.memory.at(-1)!.finishedJobs, 6)
      assert.isAtMost(log.memory.at(-1)!, record.memory.at(-1)!.maxRssBytes)
      assert.isAbove(record.summary.jobsPerSecond, 0)

      const firstLine = Date.parse(`${log.times[0]!.replace(" ", "T")}+09:00`)
      assert.isAtLeast(firstLine, Date.parse(record.startedAt), "the log is in local time")
      assert.isAtMost(firstLine, Date.parse(record.finishedAt))
      assert.deepStrictEqual(yield* script.filesIn(folder), ["run.json"])
    }))

  it.live("prints its record alone with --json, and stops busy loops when it is interrupted", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const whole = path.join(folder, "whole.json")
      const out = path.join(folder, "interrupted.json")
      const [signal, status] = signals[name]
      const [json, interrupted] = yield* script.together(
        script.run(name, [...small, "--json", "--executor", "inline", "--out", whole]),
        Effect.gen(function*() {
          const running = yield* script.startScript(name, [...script.busyLoops, "--out", out])
          yield* script.until(() => running.printed().includes("worker 1 started"))
          yield* script.signal(running.pid, signal)
          // As the terminal sends it that is closed: from more than one side.
          if (signal === "SIGHUP") yield* Effect.andThen(Effect.sleep("20 millis"), script.signal(running.pid, signal))
          return yield* running.ended
        })
      )
      assert.deepStrictEqual(json, { status: 0, stdout: yield* script.read(whole), stderr: "" })
      const complete = yield* readRecord(whole)
      assert.strictEqual(complete.parameters["executor"], "inline")
      assert.deepStrictEqual(complete.jobs.map((job) => job.resultBytes), numbers.map(() => 8 * 100_000))

      assert.deepStrictEqual([interrupted.status, interrupted.stderr], [status, ""])
      const log = readLog(interrupted.stdout)
      assert.deepStrictEqual(log.jobs("started"), [0, 1])
      assert.deepStrictEqual(log.jobs("return"), [])
      const record = yield* readRecord(out)
      assert.strictEqual(record.status, "interrupted")
      assert.deepStrictEqual(log.jobs("interrupted").toSorted(), record.jobs.map(({ job }) => job))
      assert.isAtLeast(record.jobs.length, 2)
      for (const job of record.jobs) assert.strictEqual(job.status, "interrupted")
      for (const job of record.jobs.slice(0, 2)) assert.isDefined(job.startedMs)
      assert.deepStrictEqual(yield* script.filesIn(folder), ["interrupted.json", "whole.json"])
    }))
})
