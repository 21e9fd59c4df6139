import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import fs from "node:fs/promises"
import path from "node:path"
import * as hostile from "../shared/hostileRecords.ts"
import { job, runRecord, sample } from "../shared/records.ts"
import * as here from "./shared/here.ts"
import { readRecord } from "./shared/record.ts"
import * as script from "./shared/script.ts"

const review = (args: ReadonlyArray<string>) => here.run("review", args)

/** The journal of a run that was killed in its busy loops. */
const killed = Effect.gen(function*() {
  const folder = yield* script.folder
  const journal = path.join(folder, "run.jsonl")
  const running = yield* script.startScript("lazy", [...script.busyLoops, "--out", path.join(folder, "run.json")])
  yield* script.until(() => running.printed().includes("worker 1 started"))
  yield* script.until(() => readFileSync(journal, "utf8").includes(`"Started","job":1`))
  yield* script.signal(running.pid, "SIGKILL")
  assert.strictEqual((yield* running.ended).status, 137)
  assert.deepStrictEqual(yield* script.filesIn(folder), ["run.jsonl"])
  return yield* script.read(journal)
})

const Rows = Schema.fromJsonString(Schema.Array(Schema.Record(Schema.String, Schema.Json)))

describe("scripts/review.ts", () => {
  let journalText = ""
  let lines: Array<string> = []

  beforeAll(async () => {
    journalText = await Effect.runPromise(Effect.scoped(killed))
    lines = journalText.split("\n").filter((line) => line !== "")
  })

  it.live("shows the journal of a killed run, and makes a record of it", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const journal = path.join(folder, "killed.jsonl")
      yield* script.write(journal, journalText)
      const torn = path.join(folder, "torn.jsonl")
      yield* script.write(torn, [...lines, lines.at(-1)!.slice(0, 20)].join("\n"))

      const [shown, ofTorn] = yield* script.together(
        review(["show", journal]),
        review(["show", torn])
      )
      assert.deepStrictEqual([shown.status, shown.stderr], [0, ""])
      assert.match(shown.stdout, /^lazy killed, /)
      assert.include(shown.stdout, "jobs 4, count 200000000, workers 2")
      assert.notInclude(shown.stdout, "cannot be read")
      assert.strictEqual(ofTorn.status, 0)
      assert.match(ofTorn.stdout, /^lazy killed, /)
      assert.include(ofTorn.stdout, `line ${lines.length + 1} cannot be read`)

      const [finished, finishedTorn] = yield* script.together(
        review(["finish", journal]),
        review(["finish", torn])
      )
      assert.deepStrictEqual(finished, { status: 0, stdout: `${path.join(folder, "killed.json")}\n`, stderr: "" })
      assert.strictEqual(finishedTorn.status, 0)
      assert.include(finishedTorn.stderr, `line ${lines.length + 1} cannot be read`)
      assert.deepStrictEqual(yield* script.filesIn(folder), ["killed.json", "torn.json"])
      const record = yield* readRecord(path.join(folder, "killed.json"))
      assert.strictEqual(record.status, "killed")
      assert.deepStrictEqual(record.jobs.map(({ status }) => status), ["killed", "killed"])
      assert.deepStrictEqual(yield* readRecord(path.join(folder, "torn.json")), record)

      const [json, again] = yield* script.together(
        review(["show", "--json", path.join(folder, "killed.json")]),
        review(["finish", path.join(folder, "killed.json")])
      )
      assert.deepStrictEqual([json.status, json.stderr], [0, ""])
      const written = yield* script.read(path.join(folder, "killed.json"))
      assert.deepStrictEqual<unknown>(JSON.parse(json.stdout), JSON.parse(written))
      assert.deepStrictEqual([again.status, again.stdout], [2, ""])
      assert.include(again.stderr, path.join(folder, "killed.json"))
      assert.include(again.stderr, ".jsonl")
    }))

  it.live("finishes what is left of a damaged journal and keeps it, and of a run that had no time for a job", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [damaged, begun] = ["damaged", "begun"].map((name) => path.join(folder, `${name}.jsonl`)) as [
        string,
        string
      ]
      yield* script.write(damaged, [lines[0], "{", ...lines.slice(1), ""].join("\n"))
      yield* script.write(begun, `${lines[0]}\n`)

      const [ofDamaged, ofBegun] = yield* script.together(
        review(["finish", damaged]),
        review(["finish", begun])
      )
      assert.strictEqual(ofDamaged.status, 0)
      assert.include(ofDamaged.stderr, "line 2 cannot be read")
      assert.includeMembers(yield* script.filesIn(folder), ["damaged.json", "damaged.jsonl"])
      assert.strictEqual((yield* readRecord(path.join(folder, "damaged.json"))).jobs.length, 2)

      const again = yield* review(["finish", folder])
      assert.deepStrictEqual([again.status, again.stdout], [0, ""])
      assert.include(again.stderr, "damaged.json cannot be written: expected no file there yet")
      assert.strictEqual((yield* review(["finish", damaged])).status, 2)

      const listed = yield* review(["list", folder])
      assert.include(listed.stdout, " damaged.json ")
      assert.notInclude(listed.stdout, " damaged.jsonl ", "it is the same run")

      assert.deepStrictEqual([ofBegun.status, ofBegun.stderr], [0, ""])
      const record = yield* readRecord(path.join(folder, "begun.json"))
      assert.deepStrictEqual([record.status, record.jobs], ["killed", []])
    }))

  it.live("lists records and journals, and what is neither with the reason", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "whole.json")
      yield* script.run("loan", ["--jobs", "3", "--count", "1000", "--out", out])
      yield* script.write(path.join(folder, "killed.jsonl"), journalText)
      yield* script.write(path.join(folder, "broken.json"), (yield* script.read(out)).slice(0, -20))
      yield* script.write(path.join(folder, "foreign.json"), `{ "name": "some package" }`)
      yield* script.write(path.join(folder, "empty.jsonl"), "")
      yield* script.write(path.join(folder, "notes.txt"), "not of interest")
      const files = ["broken.json", "empty.jsonl", "foreign.json", "killed.jsonl", "whole.json"]

      const [table, json] = yield* script.together(
        review(["list", folder]),
        review(["list", folder, "--json"])
      )
      assert.deepStrictEqual([table.status, table.stderr], [0, ""])
      const rowOf = (file: string) => table.stdout.split("\n").find((line) => line.startsWith(`│ ${file} `))
      for (const file of files) assert.isDefined(rowOf(file), file)
      assert.notInclude(table.stdout, "notes.txt")
      assert.match(rowOf("whole.json")!, / loan │ .*jobs 3, count 1000, workers 3.* │ completed │/)
      assert.match(rowOf("killed.jsonl")!, / lazy │ .*jobs 4, count 200000000, workers 2.* │ +killed │/)
      assert.match(table.stdout, /expected a first line/)

      assert.deepStrictEqual([json.status, json.stderr], [0, ""])
      const rows = yield* Schema.decodeEffect(Rows)(json.stdout)
      const whole = yield* readRecord(out)
      const { finishedAt, parameters, script: name, startedAt, status, summary } = whole
      assert.deepStrictEqual<unknown>(rows.find(({ file }) => file === "whole.json"), {
        file: "whole.json",
        finishedAt,
        parameters,
        script: name,
        startedAt,
        status,
        summary
      })
      for (const row of rows) assert.strictEqual("reason" in row, !("status" in row))
      const inOrder = ["killed.jsonl", "whole.json", "broken.json", "empty.jsonl", "foreign.json"]
      assert.deepStrictEqual(rows.map(({ file }) => file), inOrder, "the oldest first, and what is none at the end")
    }))

  it.live("says which file cannot be read or written, and exits with 2", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const inFolder = (name: string) => path.join(folder, name)
      yield* script.write(inFolder("killed.jsonl"), journalText)
      yield* script.write(inFolder("broken.json"), "{")
      yield* script.write(inFolder("killed.json"), "what was there")
      yield* script.write(inFolder("headless.jsonl"), lines.slice(1).join("\n"))
      const cases = [
        { args: ["show", inFolder("broken.json")], says: inFolder("broken.json") },
        { args: ["show", inFolder("missing.json")], says: inFolder("missing.json") },
        { args: ["finish", inFolder("headless.jsonl")], says: inFolder("headless.jsonl") },
        { args: ["list", inFolder("missing")], says: inFolder("missing") },
        { args: ["finish", inFolder("killed.jsonl")], says: inFolder("killed.json") }
      ]
      const ended = yield* Effect.forEach(cases, ({ args }) => review(args), { concurrency: 2 })
      for (const [index, { status, stderr, stdout }] of ended.entries()) {
        const { args, says } = cases[index]!
        assert.deepStrictEqual([status, stdout], [2, ""], args.join(" "))
        assert.include(stderr, says)
        assert.notInclude(stderr, "--out", "review has no such flag")
      }
      assert.strictEqual(yield* script.read(inFolder("killed.json")), "what was there")
      assert.include(yield* script.filesIn(folder), "killed.jsonl")
    }))

  it.live("finishes all journals in a folder, each once, and leaves those alone whose runs go on", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const inFolder = (name: string) => path.join(folder, name)
      const running = journalText.replace(/"pid":\d+/, `"pid":${process.pid}`)
      yield* script.write(inFolder("first.jsonl"), journalText)
      yield* script.write(inFolder("running.jsonl"), running)
      yield* script.write(inFolder("second.jsonl"), journalText)

      const all = yield* review(["finish", folder, inFolder("second.jsonl"), "--json"])
      assert.strictEqual(all.status, 0, all.stderr)
      assert.include(
        all.stderr,
        `${inFolder("running.jsonl")} cannot be finished: its run goes on, in process ${process.pid}`
      )
      const outcomes = yield* Schema.decodeEffect(Rows)(all.stdout)
      assert.deepStrictEqual(outcomes.map(({ file, status }) => [file, status]), [
        [inFolder("first.json"), "killed"],
        [undefined, undefined],
        [inFolder("second.json"), "killed"]
      ])
      assert.deepStrictEqual(yield* script.filesIn(folder), ["first.json", "running.jsonl", "second.json"])

      const [refused, forced] = [
        yield* review(["finish", inFolder("running.jsonl")]),
        yield* review(["finish", inFolder("running.jsonl"), "--force"])
      ]
      assert.deepStrictEqual([refused.status, refused.stdout], [2, ""])
      assert.include(refused.stderr, "its run goes on")
      assert.deepStrictEqual(forced, { status: 0, stdout: `${inFolder("running.json")}\n`, stderr: "" })
    }))
})

const versions = path.join(script.root, "test", "records", "v1")
const version = (name: string) => path.join(versions, name)

describe("review list", () => {
  it.live("sorts and filters", () =>
    Effect.gen(function*() {
      const files = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
        const { stdout } = yield* review(["list", versions, "--json", ...args])
        return (yield* Schema.decodeEffect(Rows)(stdout)).map(({ file }) => file)
      })
      const [byPeak, reversed, killed] = yield* Effect.all([
        files("--sort", "peak"),
        files("--sort", "wall", "--reverse"),
        files("--script", "lazy", "--status", "killed")
      ], { concurrency: 2 })
      assert.deepStrictEqual(byPeak.slice(-2), ["run.json", "killed.jsonl"])
      assert.deepStrictEqual(reversed, ["benchmark.json", "comparison.json", "killed.jsonl", "run.json"])
      assert.deepStrictEqual(killed, ["killed.jsonl"])
    }))
})

const box = /[─│┌┬┐├┼┤└┴┘━┃┏┓┗┛░▒▓█]/

describe("review show", () => {
  it.live("draws the memory and the workers, in plain ASCII where the locale has no more", () =>
    Effect.gen(function*() {
      const [unicode, ascii] = yield* script.together(
        script.run("review", ["show", version("killed.jsonl")], { env: { LC_ALL: "en_US.UTF-8" } }),
        script.run("review", ["show", version("killed.jsonl")], { env: { LC_ALL: "C" } })
      )
      for (const { status, stderr, stdout } of [unicode, ascii]) {
        assert.deepStrictEqual([status, stderr], [0, ""])
        assert.include(stdout, "resident memory\n")
        assert.match(stdout, /^ *504 MB/m)
        assert.match(stdout, /^worker 1 .*0/m)
        assert.match(stdout, /^worker 2 .*1!/m)
        assert.include(stdout, "line 10 cannot be read")
        assert.notInclude(stdout, "\u001B", "no colour into a pipe")
      }
      assert.match(unicode.stdout, box)
      assert.match(ascii.stdout, /^\p{ASCII}*$/u)
    }))

  it.live("draws each run of a comparison, and the table of a benchmark", () =>
    Effect.gen(function*() {
      const [comparison, benchmark] = yield* script.together(
        review(["show", version("comparison.json")]),
        review(["show", version("benchmark.json")])
      )
      assert.lengthOf(comparison.stdout.match(/^resident memory$/gm)!, 4)
      assert.match(comparison.stdout, /^eager completed$/m)
      assert.match(benchmark.stdout, /│ ThreadExecutor │/)
    }))
})

describe("review compare", () => {
  /** A copy of a record with something else in it. */
  const changed = Effect.fnUntraced(function*(name: string, change: (record: Record<string, any>) => void) {
    const record = JSON.parse(yield* script.read(version(name)))
    change(record)
    const file = path.join(yield* script.folder, name)
    yield* script.write(file, JSON.stringify(record))
    return file
  })

  it.live("points out what differs first, then sets figures side by side", () =>
    Effect.gen(function*() {
      const other = yield* changed("run.json", ({ environment, parameters, summary }) => {
        parameters.workers = 7
        environment.cpu = "another\u001B[31m one"
        summary.wallMs *= 2
      })
      const { status, stderr, stdout } = yield* review(["compare", version("run.json"), other])
      assert.deepStrictEqual([status, stderr], [0, ""])
      const lines = stdout.split("\n")
      const [parameter, machine, wall] = ["│ parameter workers │", "│ environment cpu ", "│ wall "].map((start) =>
        lines.findIndex((line) => line.startsWith(start))
      ) as [number, number, number]
      assert.match(lines[parameter]!, / 2 │ +7 │$/)
      assert.include(lines[machine]!, "another\\u001b[31m one")
      assert.isAbove(wall, Math.max(parameter, machine))
      assert.isAbove(Math.min(parameter, machine), 0)
      assert.include(lines[wall]!, "+100.0 %")
    }))

  it.live("is a gate with --fail-above: shut by what got worse, run by run, and by what is missing", () =>
    Effect.gen(function*() {
      const worse = yield* changed("comparison.json", ({ runs }) => {
        runs[1].summary.wallMs *= 1.2
        runs[3].status = "failed"
        runs.splice(2, 1)
      })
      const first = version("comparison.json")
      const [open, shut, wide] = yield* Effect.all([
        review(["compare", first, first, "--fail-above", "0%"]),
        review(["compare", first, worse, "--fail-above", "19.5%", "--json"]),
        review(["compare", first, worse])
      ], { concurrency: 2 })
      assert.deepStrictEqual([open.status, open.stderr], [0, ""])
      assert.strictEqual(wide.status, 0, "without a limit there is no gate")
      assert.strictEqual(shut.status, 1)
      const told = shut.stderr.trimEnd().split("\n")
      assert.match(told[0]!, /^B: loan is not completed but failed$/)
      assert.match(told[1]!, /^lazy: wall is worse in B by more than 19\.5%: .* before, .* now$/)
      for (const line of told.slice(2)) assert.match(line, /^remove: .* is missing in B$/)
      const { worse: inJson } = JSON.parse(shut.stdout)
      assert.deepStrictEqual(inJson, told)
    }))

  it.live("refuses what cannot be compared, or told from so few rounds, and what is no percentage", () =>
    Effect.gen(function*() {
      const [run, bench] = [version("run.json"), version("benchmark.json")]
      const cases = [
        { args: [run, bench], says: /one kind: .*run\.json is of a run, and .*benchmark\.json is of a benchmark/ },
        { args: [bench, bench, "--fail-above", "5%"], says: /at least 5 rounds/ },
        { args: [run, run, "--fail-above=-5%"], says: /percentage such as 10%/ },
        { args: [run, run, "--fail-above", "10"], says: /percentage such as 10%/ },
        { args: [run], says: /at least 2/ }
      ]
      const ended = yield* Effect.forEach(cases, ({ args }) => review(["compare", ...args]), {
        concurrency: 2
      })
      for (const [n, { status, stderr, stdout }] of ended.entries()) {
        assert.deepStrictEqual([status, stdout], [2, ""], cases[n]!.args.join(" "))
        assert.match(stderr, cases[n]!.says)
      }
    }))
})

describe("review check", () => {
  it.live("finds nothing wrong with what the scripts leave", () =>
    Effect.gen(function*() {
      const reference = path.join(script.root, "results", "reference")
      const args = ["check", reference, version("run.json"), version("killed.jsonl")]
      const { status, stderr, stdout } = yield* review(args)
      assert.deepStrictEqual([status, stderr], [0, ""])
      assert.match(stdout, /killed\.jsonl: line 10: /)
      assert.include(
        stdout,
        `\n${(yield* script.filesIn(reference)).filter((file) => !file.endsWith(".svg")).length + 2} valid\n`
      )
    }))

  it.live("names the file, the place in it and the problem, and exits with 1", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const inFolder = (name: string) => path.join(folder, name)
      const whole = yield* script.read(version("run.json"))
      yield* script.write(inFolder("a.json"), whole.replace(`"succeeded"`, `"done"`).replace(`"cores": `, `"cores": -`))
      yield* script.write(inFolder("b.jsonl"), (yield* script.read(version("killed.jsonl"))).replace("{", "{}\n{"))
      yield* script.write(inFolder("c.json"), whole)
      const [text, json, one] = yield* script.together(
        review(["check", folder]),
        review(["check", folder, "--json"]),
        review(["check", inFolder("a.json"), inFolder("c.json")])
      )
      assert.deepStrictEqual([text.status, text.stderr], [1, "2 of 3 are not valid\n"])
      assert.deepStrictEqual([one.status, one.stderr], [1, "1 of 2 is not valid\n"])
      assert.include(
        text.stdout,
        `${inFolder("a.json")}: /jobs/0/status: must be equal to one of the allowed values: succeeded`
      )
      assert.include(text.stdout, `${inFolder("a.json")}: /environment/cores: must be >= 0`)
      assert.include(text.stdout, `${inFolder("b.jsonl")}: line 1: `)
      assert.notInclude(text.stdout, "c.json")
      assert.strictEqual(json.status, 1)
      const rows = yield* Schema.decodeEffect(Rows)(json.stdout)
      assert.deepStrictEqual(rows.map(({ isValid }) => isValid), [false, false, true])
    }))

  it.live("names times that cannot be", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const run = JSON.parse(yield* script.read(version("run.json")))
      const { wallMs } = run.summary
      run.jobs[0].returnedMs = run.jobs[0].startedMs - 1
      run.jobs[1].startedMs = wallMs + 1
      delete run.jobs[1].returnedMs
      run.memory[0].atMs = wallMs + 1
      yield* script.write(path.join(folder, "run.json"), JSON.stringify(run))
      const { jobs: _, memory: __, summary: ___, ...common } = run
      const startedAt = "9999-01-01T00:00:00.000Z"
      yield* script.write(path.join(folder, "all.json"), JSON.stringify({ ...common, startedAt, runs: [run] }))
      const { status, stdout } = yield* review(["check", folder])
      assert.strictEqual(status, 1)
      const of = (file: string, at: string) => [
        `${path.join(folder, file)}: ${at}/jobs/0/returnedMs: must not be before startedMs`,
        `${path.join(folder, file)}: ${at}/jobs/1/startedMs: must not be after the run's end: ${wallMs}`,
        `${path.join(folder, file)}: ${at}/memory/0/atMs: must not be after the run's end: ${wallMs}`
      ]
      assert.deepStrictEqual(stdout.trimEnd().split("\n"), [
        `${path.join(folder, "all.json")}: /finishedAt: must not be before startedAt`,
        ...of("all.json", "/runs/0"),
        ...of("run.json", "")
      ])
    }))
})

describe("hostile records and names", () => {
  it.live("are told of by each subcommand, and reach no terminal as they are", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const commands = "\u001B]0;owned\u0007\u001B[2J\u009B31m\u202E<script>alert(1)</script>"
      const evil = path.join(folder, `evil${"\u001B"}[31m.json`)
      const record = JSON.parse(yield* script.read(version("run.json")))
      record.parameters = { [commands]: commands, count: commands }
      record.script = commands
      record.environment.cpu = commands
      yield* script.write(evil, JSON.stringify(record))
      const names = Object.entries(hostile.records).map(([, { content }], n) => ({ name: `${n}.json`, content }))
      yield* Effect.promise(() =>
        Promise.all(names.map(({ content, name }) => fs.writeFile(path.join(folder, name), content)))
      )

      const [list, check, show, compare, finish] = yield* Effect.all([
        review(["list", folder]),
        review(["check", folder]),
        review(["show", evil]),
        review(["compare", version("run.json"), evil, "--fail-above", "0%"]),
        review(["finish", evil])
      ], { concurrency: 2 })
      assert.deepStrictEqual([list, check, show, finish].map(({ status }) => status), [0, 1, 0, 2])
      for (const { stderr, stdout } of [list, check, show, compare, finish]) {
        // The line feed is ours.
        assert.notMatch(stdout + stderr, /(?!\n)[\p{Cc}\p{Cf}]/u)
        assert.notInclude(stderr, "    at ", "no stack")
      }
      assert.include(show.stdout, "\\u001b]0;owned\\u0007")
      for (const { name } of names) {
        assert.include(list.stdout, `│ ${name} `)
        assert.include(check.stdout, `${path.join(folder, name)}: `)
      }
      const json = yield* review(["show", evil, "--json"])
      assert.notMatch(json.stdout, /(?!\n)[\p{Cc}\p{Cf}]/u)
      assert.deepStrictEqual(JSON.parse(json.stdout), record)
    }))

  it.live("a record of 200,000 jobs is listed and shown", () =>
    Effect.gen(function*() {
      const file = path.join(yield* script.folder, "many.json")
      const jobs = Array.from(
        { length: 200_000 },
        (_, n) => job(n, { workerId: n % 3, startedMs: n, returnedMs: n + 3 })
      )
      const memory = jobs.map((_, n) => ({ ...sample(n, 100e6 + n), atMs: n }))
      const summary = { ...runRecord.summary, wallMs: 200_001 }
      yield* script.write(file, JSON.stringify({ ...runRecord, jobs, memory, summary }))
      const [list, show] = yield* script.together(
        review(["list", path.dirname(file)]),
        review(["show", file])
      )
      assert.deepStrictEqual([list.status, show.status], [0, 0])
      assert.include(list.stdout, "│ many.json │")
      assert.lengthOf(show.stdout.match(/^worker \d █+$/gm)!, 3)
    }))
})
