import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import fs from "node:fs/promises"
import path from "node:path"
import * as here from "./shared/here.ts"
import { readComparison } from "./shared/record.ts"
import * as script from "./shared/script.ts"

/** A comparison whose first script is at its jobs. */
const startBusy = Effect.fnUntraced(function*(out: string, ...args: ReadonlyArray<string>) {
  const running = yield* script.startScript("compare", ["--out", out, ...args])
  const journal = out.replace(".json", ".eager.jsonl")
  yield* script.until(() => existsSync(journal) && readFileSync(journal, "utf8").includes(`"Started","job":1`))
  return running
})

const children = (pid: number) => `/proc/${pid}/task/${pid}/children`

describe("scripts/compare.ts", () => {
  it.live("shows four rows, and leaves one record of four runs", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const temporary = yield* script.folder
      const out = path.join(folder, "compare.json")
      const args = ["--jobs", "3", "--count", "100000", "--workers", "2", "--kernel", "simd", "--out", out]
      const { status, stderr, stdout } = yield* script.run("compare", args, { env: { TMPDIR: temporary } })
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      assert.notInclude(stdout, "\u001B")
      const rows = stdout.split("\n").filter((line) => line.startsWith("│")).map((line) => line.split("│"))
      assert.deepStrictEqual(rows.map((cells) => cells[1]!.trim()), ["script", "eager", "lazy", "remove", "loan"])
      const lazy = rows[2]!
      assert.lengthOf(lazy.filter((cell) => cell.includes("1.00×")), 4, "ratios are to lazy")

      const record = yield* readComparison(out)
      assert.strictEqual(record.status, "completed")
      const parameters = { jobs: 3, count: 100_000, workers: 2, executor: "thread", kernel: "simd" }
      assert.deepStrictEqual(record.parameters, parameters)
      assert.deepStrictEqual(record.runs.map((run) => run.script), ["eager", "lazy", "remove", "loan"])
      for (const run of record.runs) {
        assert.strictEqual(run.status, "completed")
        assert.deepStrictEqual(run.parameters, parameters)
        assert.deepStrictEqual(run.jobs.map(({ resultBytes }) => resultBytes), [800_000, 800_000, 800_000])
      }
      assert.deepStrictEqual(yield* script.filesIn(folder), ["compare.json"])
      const caches = /^(tsx-|node-compile-cache)/
      assert.deepStrictEqual((yield* script.filesIn(temporary)).filter((name) => !caches.test(name)), [])
    }))

  it.live("refuses what is more than the memory that is free, and starts nothing", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      vi.spyOn(process, "availableMemory").mockReturnValue(24_000)
      const args = ["--jobs", "4", "--count", "1000", "--out", path.join(folder, "compare.json")]
      const { status, stderr, stdout } = yield* here.run("compare", args)
      assert.strictEqual(status, 2)
      assert.match(stderr, /^--jobs 4 --count 1000 --workers 3 holds up to .* such as --count 670 or --jobs 2 /)
      assert.strictEqual(stdout, "")
      assert.deepStrictEqual(yield* script.filesIn(folder), [])
    }).pipe(Effect.ensuring(Effect.sync(() => vi.restoreAllMocks()))))

  it.live("stops its script at SIGINT, also when it alone is signalled, and prints the record with --json", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "compare.json")
      const running = yield* startBusy(out, ...script.busyLoops, "--json")
      yield* script.signal(running.pid, "SIGINT")
      const { status, stderr, stdout } = yield* running.ended
      assert.deepStrictEqual({ status, stderr }, { status: 130, stderr: "" })
      const record = yield* readComparison(out)
      assert.strictEqual(stdout, yield* script.read(out))
      assert.strictEqual(record.status, "interrupted")
      assert.deepStrictEqual(record.runs.map((run) => [run.script, run.status]), [["eager", "interrupted"]])
      assert.deepStrictEqual(
        record.runs[0]!.jobs.map((job) => job.status),
        ["interrupted", "interrupted", "interrupted", "interrupted"]
      )
    }))

  it.live("leaves what its scripts recorded when it is killed, and does not write over it", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "compare.json")
      const running = yield* startBusy(out, "--jobs", "20", "--count", "1000000")
      yield* script.signal(running.pid, "SIGKILL")
      // When its script has, too, for that finds nobody to tell that a job has returned.
      yield* running.ended
      assert.deepStrictEqual(yield* script.filesIn(folder), ["compare.eager.json"])
      for (const force of [[], ["--force"]]) {
        const args = ["--jobs", "2", "--count", "100", "--out", out, ...force]
        const { status, stderr } = yield* script.run("compare", args)
        assert.strictEqual(status, 2)
        assert.include(stderr, "compare.eager.json cannot be written: expected no file there yet")
        assert.deepStrictEqual(yield* script.filesIn(folder), ["compare.eager.json"])
      }
    }))

  it.live("ends quietly when its reader has gone, and with 1 when a job fails", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [early, failing] = ["early.json", "failing.json"].map((file) => path.join(folder, file)) as [string, string]
      const [unread, failed] = yield* script.together(
        Effect.gen(function*() {
          const running = yield* script.startScript("compare", ["--jobs", "2", "--count", "100", "--out", early])
          yield* script.until(() => running.printed().includes("\n"))
          running.stdout.destroy()
          return yield* running.ended
        }),
        script.run("compare", ["--jobs", "2", "--count", "1e12", "--force", "--out", failing])
      )
      assert.strictEqual(unread.stderr, "")
      assert.notStrictEqual(unread.status, 0)
      const interrupted = yield* readComparison(early)
      assert.strictEqual(interrupted.status, "interrupted")
      assert.isBelow(interrupted.runs.length, 4)

      assert.strictEqual(failed.status, 1)
      assert.include(failed.stderr, `job "sin"`)
      assert.include(failed.stderr, "eager failed: it ended with exit status 1")
      const record = yield* readComparison(failing)
      assert.strictEqual(record.status, "failed")
      assert.deepStrictEqual(record.runs.map((run) => [run.script, run.status]), [["eager", "failed"]])
    }))

  it.live("shows the table although the record cannot be written, and leaves those of its scripts", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "compare.json")
      const args = ["--jobs", "2", "--count", "1e12", "--force", "--out", out]
      const running = yield* script.startScript("compare", args)
      yield* script.until(() => running.printed().includes("eager started"))
      yield* Effect.promise(() => fs.mkdir(out))
      const { status, stderr, stdout } = yield* running.ended
      assert.notStrictEqual(status, 0)
      assert.include(stderr, `--out: ${out}`)
      assert.include(stderr, `stays in ${path.join(folder, "compare.*.json")}`)
      assert.deepStrictEqual(yield* script.filesIn(folder), ["compare.eager.json", "compare.json"])
      assert.match(stdout, /│ eager +│/)
    }))

  // Where the system does not tell the children of a process, there is none to kill.
  it.live.skipIf(!existsSync(children(process.pid)))(
    "records a script that was killed, and says that it was",
    () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        const out = path.join(folder, "compare.json")
        const running = yield* startBusy(out, ...script.busyLoops)
        const eager = readFileSync(children(running.pid), "utf8").trim().split(" ").find((pid) =>
          readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("eager.ts")
        )
        yield* script.signal(Number(eager), "SIGKILL")
        const { status, stderr } = yield* running.ended
        assert.strictEqual(status, 1)
        const record = yield* readComparison(out)
        assert.strictEqual(record.status, "failed")
        assert.deepStrictEqual(record.runs.map((run) => [run.script, run.status]), [["eager", "killed"]])
        assert.match(stderr, /^eager .*SIGKILL/)
      })
  )
})
