import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs"
import fs from "node:fs/promises"
import path from "node:path"
import { text } from "node:stream/consumers"
import * as here from "./shared/here.ts"
import { readLog, readRecord } from "./shared/record.ts"
import * as script from "./shared/script.ts"

const scripts = [...script.experiments, "compare", "review", "bench", "readme"]

const small = ["--jobs", "3", "--count", "1000"]

/** A copy, so that no record is left here; one without results/, as where somebody has removed it. */
const copyOfAll = Effect.gen(function*() {
  const copy = yield* script.folder
  yield* Effect.promise(async () => {
    for (const name of ["lib", "scripts", "package.json"]) {
      await fs.cp(path.join(script.root, name), path.join(copy, name), { recursive: true })
    }
    await fs.symlink(path.join(script.root, "node_modules"), path.join(copy, "node_modules"))
  })
  return copy
})

describe("a script", () => {
  it.each(scripts)("%s.ts can be executed, with tsx", (name) => {
    const file = path.join(script.root, "scripts", `${name}.ts`)
    assert.doesNotThrow(() => accessSync(file, constants.X_OK))
    assert.strictEqual(readFileSync(file, "utf8").split("\n")[0], "#!/usr/bin/env -S npx tsx")
  })

  it.live("explains itself with --help", () =>
    Effect.gen(function*() {
      const [eager, review] = yield* script.together(script.run("eager", ["--help"]), script.run("review", ["--help"]))
      const flags = [
        "--jobs",
        "--count",
        "--workers",
        "--executor",
        "--kernel",
        "--out",
        "--force",
        "--quiet",
        "--json"
      ]
      for (const flag of flags) assert.include(eager.stdout, flag)
      for (const verb of ["list", "show", "finish"]) assert.include(review.stdout, verb)
      for (const { status, stderr, stdout } of [eager, review]) {
        assert.deepStrictEqual([status, stderr], [0, ""])
        assert.notInclude(stdout, "\u001B")
      }
    }))

  it.live("does not run when another module imports it", () =>
    Effect.gen(function*() {
      const all = scripts.map((name) => `await import("./scripts/${name}.ts")`).join("\n")
      const running = yield* script.startNode(["--input-type=module", "--eval", `${all}\nconsole.log("imported")`])
      assert.deepStrictEqual(yield* running.ended, { status: 0, stdout: "imported\n", stderr: "" })
    }))

  it.live("says which Node it needs to one that is too old", () =>
    Effect.gen(function*() {
      const run = Effect.fnUntraced(function*(version: string) {
        const old = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"${version}"})`
        const running = yield* script.start(process.execPath, ["--import", old, "scripts/shared/require-node.js"])
        return yield* running.ended
      })
      const [old, almost, enough] = [yield* run("20.0.0"), yield* run("22.18.0"), yield* run("22.19.0")]
      assert.deepStrictEqual([old.status, old.stdout], [2, ""])
      assert.include(old.stderr, ">=22.19")
      assert.include(old.stderr, "20.0.0")
      assert.include(old.stderr, "npm ci")
      assert.strictEqual(almost.status, 2)
      assert.deepStrictEqual(enough, { status: 0, stdout: "", stderr: "" })
    }))

  it.live("leaves its record in results/ unless told otherwise", () =>
    Effect.gen(function*() {
      const copy = yield* copyOfAll
      const listed = yield* script.run("review", ["list"], { cwd: copy })
      const ended = yield* script.run("remove", [...small, "--quiet"], { cwd: copy })
      assert.deepStrictEqual(ended, { status: 0, stdout: "", stderr: "" })
      assert.deepStrictEqual([listed.status, listed.stderr], [0, ""], "no record is no error")
      const files = yield* script.filesIn(path.join(copy, "results"))
      assert.lengthOf(files, 1)
      assert.match(files[0]!, /^remove-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.json$/)
      assert.strictEqual((yield* readRecord(path.join(copy, "results", files[0]!))).environment.commit, null)
    }))

  it.live.skipIf(!script.isInstalled("git"))(
    "records the commit, and leaves the index of git alone",
    () =>
      Effect.gen(function*() {
        const copy = yield* copyOfAll
        const git = (...args: ReadonlyArray<string>) =>
          execFileSync("git", ["-C", copy, "-c", "user.name=a", "-c", "user.email=a@b", ...args], { encoding: "utf8" })
        const commitOf = Effect.fnUntraced(function*(out: string) {
          const ended = yield* script.run("lazy", [...small, "--quiet", "--out", out], { cwd: copy })
          assert.deepStrictEqual(ended, { status: 0, stdout: "", stderr: "" })
          return (yield* readRecord(path.join(copy, out))).environment.commit
        })
        git("init", "--quiet")
        assert.strictEqual(yield* commitOf("before.json"), null, "there is none yet")
        git("add", "lib", "scripts")
        git("commit", "--quiet", "--message", "all")
        const head = git("rev-parse", "HEAD").trim()
        const file = path.join(copy, "lib", "mod.ts")
        const index = path.join(copy, ".git", "index")
        yield* Effect.promise(() => fs.utimes(file, 0, 0))
        const [before, then] = [readFileSync(index), yield* commitOf("then.json")]
        assert.isTrue(readFileSync(index).equals(before), "git looks again at a file with another time, and notes it")
        yield* Effect.promise(() => fs.appendFile(file, "\n"))
        assert.deepStrictEqual([then, yield* commitOf("changed.json")], [head, `${head}-dirty`])
      })
  )

  it.live("overwrites its record with --force, and prints nothing with --quiet", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      yield* script.write(out, "what was there")
      const ended = yield* script.run("loan", [...small, "--quiet", "--force", "--out", out])
      assert.deepStrictEqual(ended, { status: 0, stdout: "", stderr: "" })
      assert.strictEqual((yield* readRecord(out)).status, "completed")
      assert.deepStrictEqual(yield* script.filesIn(folder), ["run.json"])
    }))

  it.live("exits with 1 when a job fails, names the job and records why", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const { status, stderr } = yield* script.run("lazy", ["--jobs", "3", "--count", "1e12", "--force", "--out", out])
      assert.strictEqual(status, 1)
      assert.include(stderr, `job "sin"`)
      const record = yield* readRecord(out)
      assert.strictEqual(record.status, "failed")
      const failed = record.jobs.filter((job) => job.status === "failed")
      assert.isAtLeast(failed.length, 1)
      for (const { error } of failed) assert.isNotEmpty(error)
      for (const { resultBytes } of record.jobs) assert.strictEqual(resultBytes, 0)
    }))
})

describe("--otlp", () => {
  it.live("tells a collector the last figures of a run, however short it is", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const collector = yield* script.listen(async (request, response) => {
        const body = await text(request)
        if (request.url === "/v1/metrics") bodies.push(body)
        response.end("{}")
      })
      const out = path.join(yield* script.folder, "run.json")
      const args = [...small, "--quiet", "--otlp", `http://127.0.0.1:${collector}`, "--out", out]
      assert.deepStrictEqual(yield* script.run("eager", args), { status: 0, stdout: "", stderr: "" })
      const metrics = JSON.parse(bodies.at(-1)!).resourceMetrics.flatMap(({ scopeMetrics }: any) =>
        scopeMetrics.flatMap(({ metrics }: any) => metrics)
      )
      const finished = metrics.find(({ name }: any) => name === "effect_futures_finished_jobs")
      assert.deepInclude(finished?.gauge.dataPoints[0], { asDouble: 3 })
    }))

  it.live("tells a collector of one span, which is in no other", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const collector = yield* script.listen(async (request, response) => {
        const body = await text(request)
        if (request.url === "/v1/traces") bodies.push(body)
        response.end("{}")
      })
      const out = path.join(yield* script.folder, "run.json")
      const args = [...small, "--quiet", "--otlp", `http://127.0.0.1:${collector}`, "--out", out]
      assert.deepStrictEqual(yield* here.run("lazy", args), { status: 0, stdout: "", stderr: "" })
      const spans = bodies.flatMap((body) =>
        JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: any) => scopeSpans.flatMap(({ spans }: any) => spans))
      )
      assert.deepStrictEqual(spans.map(({ name, parentSpanId }) => [name, parentSpanId]), [["lazy", undefined]])
    }))

  it.live("costs the record no time where nobody takes what is sent", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const collector = `http://127.0.0.1:${yield* script.listen(() => {})}`
      const ended = yield* script.run("lazy", [...small, "--quiet", "--otlp", collector, "--out", out])
      assert.deepStrictEqual(ended, { status: 0, stdout: "", stderr: "" })
      const { jobs, summary } = yield* readRecord(out)
      assert.isBelow(summary.wallMs - Math.max(...jobs.map(({ returnedMs }) => returnedMs!)), 2000)
    }))
})

describe("bad usage", () => {
  it.live("exits with 2 and names the flag, the value and what was expected", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const tooMuch = ["--count 100000001", "--kernel simd", "at most 100000000"]
      const cases = [
        { args: ["--jobs", "0"], says: ["--jobs", `"0"`, "positive integer"] },
        { args: ["--jobs", "9007199254740992"], says: ["--jobs", `"9007199254740992"`, "positive integer"] },
        { args: ["--workers", "-1"], says: ["--workers", `"-1"`, "positive integer"] },
        { args: ["--count", "1.5"], says: ["--count", `"1.5"`, "integer"] },
        { args: ["--count", "x"], says: ["--count", `"x"`, "integer"] },
        { args: ["--executor", "nope"], says: ["--executor", `"nope"`, "thread", "inline"] },
        { args: ["--otlp", "localhost:4318"], says: ["--otlp", `"localhost:4318"`, "a URL of http or https"] },
        { args: ["--run", ""], says: ["--run", "a name of 1 to 100 characters"] },
        { args: ["--run", "x".repeat(101)], says: ["--run", "a name of 1 to 100 characters"] },
        { args: ["--job", "3"], says: ["--job"] },
        { args: ["stray"], says: [`"stray"`] },
        { args: ["--kernel", "nope"], says: ["--kernel", `"nope"`, "math", "simd"] },
        { args: ["--kernel", "simd", "--count", "100000001", "--force"], says: tooMuch },
        { args: ["--kernel", "simd", "--count", "100000001"], says: tooMuch }
      ]
      const ended = yield* Effect.forEach(
        cases,
        ({ args }, index) => here.run(scripts[index % 5]!, [...args, "--out", path.join(folder, "run.json")]),
        { concurrency: 2 }
      )
      for (const [index, { status, stderr, stdout }] of ended.entries()) {
        const { args, says } = cases[index]!
        assert.deepStrictEqual([status, stdout], [2, ""], args.join(" "))
        for (const words of says) assert.include(stderr, words, args.join(" "))
        assert.isBelow(stderr.split("\n").length, 8, "the message is not buried in the whole help")
      }
      assert.deepStrictEqual(yield* script.filesIn(folder), [])
    }))

  it.live("of --out names it and the place, and starts and changes nothing", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const inFolder = (name: string) => path.join(folder, name)
      yield* script.write(inFolder("there.json"), "what was there")
      yield* script.write(inFolder("busy.jsonl"), "what another run writes")
      const cases = [
        { name: "loan", args: ["--out", inFolder("there.json")], says: ["there.json", "exists"] },
        { name: "compare", args: ["--out", inFolder("there.json")], says: ["there.json", "exists"] },
        { name: "bench", args: ["--out", inFolder("there.json")], says: ["there.json", "exists"] },
        { name: "eager", args: ["--out", inFolder("missing/run.json")], says: ["missing/run.json", "no such file"] },
        { name: "remove", args: ["--out", folder, "--force"], says: [folder, "Directory"] },
        {
          name: "compare",
          args: ["--out", inFolder("there.json/run.json")],
          says: ["there.json/run.json cannot be written: expected a folder"]
        },
        { name: "compare", args: ["--out", "", "--force"], says: ["a path"] },
        { name: "lazy", args: ["--out", inFolder("busy.json")], says: ["busy.jsonl"] },
        // A journal would be looked for there.
        { name: "lazy", args: ["--out", inFolder("run.jsonl")], says: [inFolder("run.jsonl"), "ends in .json"] }
      ]
      const ended = yield* Effect.forEach(cases, ({ args, name }) => here.run(name, [...small, ...args]), {
        concurrency: 2
      })
      for (const [index, { status, stderr, stdout }] of ended.entries()) {
        const { args, says } = cases[index]!
        assert.deepStrictEqual([status, stdout], [2, ""], args.join(" "))
        for (const words of ["--out", ...says]) assert.include(stderr, words)
      }
      assert.deepStrictEqual(yield* script.filesIn(folder), ["busy.jsonl", "there.json"])
      assert.strictEqual(yield* script.read(inFolder("there.json")), "what was there")
      assert.strictEqual(yield* script.read(inFolder("busy.jsonl")), "what another run writes")
    }))
})

describe("a full disk", () => {
  const fullDevice = "/dev/full"

  // A device of this kind is how a full disk is had without the rights to mount one; not every system has it.
  it.live.skipIf(!existsSync(fullDevice))(
    "is told of before anything starts, where the journal does not fit",
    () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        const out = path.join(folder, "run.json")
        yield* Effect.promise(() => fs.symlink(fullDevice, path.join(folder, "run.jsonl")))
        const { status, stderr, stdout } = yield* script.run("lazy", [...small, "--force", "--out", out])
        assert.deepStrictEqual([status, stdout], [2, ""])
        for (const words of ["--out", "run.jsonl", "no space left"]) assert.include(stderr, words)
      })
  )

  it.live.skipIf(!existsSync(fullDevice))(
    "is told of where the log does not fit, which is no reader that has gone",
    () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        const command = `exec "$0" --import tsx scripts/lazy.ts "$@" > ${fullDevice}`
        const out = path.join(folder, "run.json")
        const running = yield* script.start("sh", ["-c", command, process.execPath, ...small, "--out", out])
        const { status, stderr } = yield* running.ended
        assert.notStrictEqual(status, 0)
        assert.match(stderr, /^Standard output cannot be written: .*no space left.*\n$/i)
      })
  )

  it.live.skipIf(!existsSync(fullDevice))(
    "fails also what it did not let print to the end",
    () =>
      Effect.gen(function*() {
        const command = `exec "$0" --import tsx scripts/review.ts list results/reference > ${fullDevice}`
        const running = yield* script.start("sh", ["-c", command, process.execPath])
        const { status, stderr } = yield* running.ended
        assert.strictEqual(status, 2)
        assert.match(stderr, /no space left/i)
      })
  )

  it.live("in the middle of a run stops it, and leaves what was written to be read", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      // The shell's limit on the size of a file, in blocks of 512 bytes, fails a write as a full disk does.
      const command = `ulimit -f 4 && exec "$0" --import tsx scripts/lazy.ts "$@"`
      const args = ["--jobs", "400", "--count", "100000", "--out", path.join(folder, "run.json")]
      const running = yield* script.start("sh", ["-c", command, process.execPath, ...args], {
        env: { TSX_DISABLE_CACHE: "1", NODE_DISABLE_COMPILE_CACHE: "1" }
      })
      const { status, stderr, stdout } = yield* running.ended
      assert.strictEqual(status, 2)
      for (const words of ["--out", path.join(folder, "run.json"), "too large"]) assert.include(stderr, words)
      assert.isBelow(readLog(stdout).jobs("return").length, 400)
      assert.deepStrictEqual(yield* script.filesIn(folder), ["run.jsonl"])
      const shown = yield* script.run("review", ["show", path.join(folder, "run.jsonl")])
      assert.strictEqual(shown.status, 0)
      assert.match(shown.stdout, /^lazy killed, /)
    }))
})

const sizeOf = (file: string) => existsSync(file) ? statSync(file).size : 0

const samplesIn = (journal: string) => readFileSync(journal, "utf8").split(`"_tag":"Sample"`).length

describe("an interruption", () => {
  it.live("leaves a record also before the first job", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const running = yield* script.startScript("eager", [...script.busyLoops, "--out", out])
      yield* script.until(() => existsSync(path.join(folder, "run.jsonl")))
      yield* script.signal(running.pid, "SIGINT")
      const { status, stderr } = yield* running.ended
      assert.deepStrictEqual([status, stderr], [130, ""])
      assert.strictEqual((yield* readRecord(out)).status, "interrupted")
      assert.deepStrictEqual(yield* script.filesIn(folder), ["run.json"])
    }))

  it.live("leaves a record also with the group of processes that tsx makes", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const journal = path.join(folder, "run.jsonl")
      const tsx = path.join(script.root, "node_modules", ".bin", "tsx")
      const running = yield* script.start(tsx, ["scripts/loan.ts", ...script.busyLoops, "--out", out])
      yield* script.until(() => running.printed().includes("worker 1 started"))
      // A script that is too busy to tell within 60 ms that it has heard of it is killed by tsx.
      const before = samplesIn(journal)
      yield* script.until(() => samplesIn(journal) > before + 1)
      yield* script.signalGroup(running.pid, "SIGINT")
      const { status, stderr } = yield* running.ended
      yield* script.until(() => !script.isAlive(running.pid))
      assert.deepStrictEqual([status, stderr], [130, ""])
      assert.strictEqual((yield* readRecord(out)).status, "interrupted")
      assert.deepStrictEqual(yield* script.filesIn(folder), ["run.json"])
    }))

  it.live("whose record cannot be written says so", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const running = yield* script.startScript("remove", [...script.busyLoops, "--out", out])
      yield* script.until(() => running.printed().includes("worker 1 started"))
      yield* Effect.promise(() => fs.rm(folder, { recursive: true }))
      yield* script.signal(running.pid, "SIGINT")
      const { status, stderr } = yield* running.ended
      assert.notStrictEqual(status, 0)
      assert.include(stderr, `--out: ${out}`)
    }))

  it.live("is what a reader that has seen enough makes, quietly", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const args = ["--jobs", "1000", "--count", "100000", "--workers", "2", "--out", out]
      const running = yield* script.startScript("lazy", args)
      yield* script.until(() => running.printed().split("\n").length > 3)
      running.stdout.destroy()
      assert.strictEqual((yield* running.ended).stderr, "")
      const record = yield* readRecord(out)
      assert.strictEqual(record.status, "interrupted")
      assert.isBelow(record.jobs.filter(({ status }) => status === "succeeded").length, 1000)
      assert.deepStrictEqual(yield* script.filesIn(folder), ["run.json"])
    }))

  it.live("prints all of the record also to a reader that is late", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const args = ["--jobs", "100000", "--count", "1", "--json", "--out", out]
      const running = yield* script.startScript("lazy", args)
      running.stdout.pause()
      // The record is to be larger than what a pipe holds.
      yield* script.until(() => sizeOf(path.join(folder, "run.jsonl")) > 2_000_000)
      yield* script.signal(running.pid, "SIGTERM")
      yield* script.until(() => running.stdout.readableLength > 0)
      running.stdout.resume()
      assert.deepStrictEqual(yield* running.ended, { status: 143, stdout: yield* script.read(out), stderr: "" })
    }))

  it.live("waits for no reader that never reads, nor does what has ended", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const started = (name: string, ...args: ReadonlyArray<string>) =>
        Effect.tap(
          script.startScript("lazy", ["--count", "1", "--json", "--out", path.join(folder, name), ...args]),
          ({ stdout }) => Effect.sync(() => stdout.pause())
        )
      const [endless, ended] = yield* script.together(
        Effect.tap(started("endless.json", "--jobs", "100000"), () =>
          script.until(() => sizeOf(path.join(folder, "endless.jsonl")) > 2_000_000)),
        Effect.tap(started("ended.json", "--jobs", "5000"), ({ stdout }) =>
          script.until(() => stdout.readableLength > 0))
      )
      yield* script.signal(endless.pid, "SIGTERM")
      yield* script.signal(ended.pid, "SIGHUP")
      yield* script.until(() => !script.isAlive(endless.pid) && !script.isAlive(ended.pid))
      assert.strictEqual((yield* readRecord(path.join(folder, "endless.json"))).status, "interrupted")
      assert.strictEqual((yield* readRecord(path.join(folder, "ended.json"))).status, "completed")
    }))

  it.live("is told as such also where the reader goes before it has read all of the end", () =>
    Effect.gen(function*() {
      const running = yield* script.startScript("review", ["show", "--json", "results/reference/eager.json"])
      running.stdout.destroy()
      const { status, stderr } = yield* running.ended
      assert.deepStrictEqual([status, stderr], [141, ""])
    }))
})

const onTerminal = (name: string, args: ReadonlyArray<string>) => {
  const words = [process.execPath, "--import", "tsx", `scripts/${name}.ts`, ...args]
  return script.start("script", ["-qec", words.map((word) => `'${word}'`).join(" "), "/dev/null"])
}

const showCursor = "\u001B[?25h"

// `script` of util-linux makes a terminal; elsewhere it is another program of that name, or none.
describe.skipIf(process.platform !== "linux" || !script.isInstalled("script"))("on a terminal", () => {
  it.live("a bar counts jobs under the log, and Ctrl-C gives the cursor back", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const inFolder = (name: string) => path.join(folder, name)
      const [whole, interrupted] = yield* script.together(
        Effect.flatMap(onTerminal("lazy", [...small, "--out", inFolder("whole.json")]), ({ ended }) => ended),
        Effect.gen(function*() {
          const running = yield* onTerminal("loan", [...script.busyLoops, "--out", inFolder("interrupted.json")])
          yield* script.until(() => running.printed().includes("worker 1 started"))
          running.stdin.write("\u0003")
          return yield* running.ended
        })
      )
      assert.strictEqual(whole.status, 0)
      assert.include(whole.stdout, "100% | 3/3 jobs")
      assert.match(whole.stdout, /█.* \| [\d.]+\/s \| \d+s left \| \d+ MB, peak \d+ MB \| \d\/3 busy/)
      for (const job of [0, 1, 2]) assert.include(whole.stdout, `worker ${job} return`)
      assert.lengthOf(whole.stdout.match(/Memory usage \d+/g) ?? [], 3)
      assert.include(whole.stdout, showCursor)

      assert.strictEqual(interrupted.status, 130)
      assert.include(interrupted.stdout, showCursor)
      assert.strictEqual((yield* readRecord(inFolder("interrupted.json"))).status, "interrupted")
    }))

  it.live("there is no bar with --json or --quiet", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [json, quiet] = yield* Effect.forEach(["--json", "--quiet"], (flag) =>
        Effect.flatMap(
          onTerminal("lazy", [...small, flag, "--out", path.join(folder, `${flag}.json`)]),
          ({ ended }) => ended
        ), { concurrency: 2 })
      assert.strictEqual(json!.stdout.replaceAll("\r", ""), yield* script.read(path.join(folder, "--json.json")))
      assert.strictEqual(quiet!.stdout, "")
    }))
})
