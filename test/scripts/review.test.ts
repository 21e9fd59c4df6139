import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import path from "node:path"
import { readRecord } from "./shared/record.ts"
import * as script from "./shared/script.ts"

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
        script.run("review", ["show", journal]),
        script.run("review", ["show", torn])
      )
      assert.deepStrictEqual([shown.status, shown.stderr], [0, ""])
      assert.match(shown.stdout, /^lazy killed, /)
      assert.include(shown.stdout, "jobs 4, count 200000000, workers 2")
      assert.notInclude(shown.stdout, "cannot be read")
      assert.strictEqual(ofTorn.status, 0)
      assert.match(ofTorn.stdout, /^lazy killed, /)
      assert.include(ofTorn.stdout, `line ${lines.length + 1} cannot be read`)

      const [finished, finishedTorn] = yield* script.together(
        script.run("review", ["finish", journal]),
        script.run("review", ["finish", torn])
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
        script.run("review", ["show", "--json", path.join(folder, "killed.json")]),
        script.run("review", ["finish", path.join(folder, "killed.json")])
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
        script.run("review", ["finish", damaged]),
        script.run("review", ["finish", begun])
      )
      assert.strictEqual(ofDamaged.status, 0)
      assert.include(ofDamaged.stderr, "line 2 cannot be read")
      assert.includeMembers(yield* script.filesIn(folder), ["damaged.json", "damaged.jsonl"])
      assert.strictEqual((yield* readRecord(path.join(folder, "damaged.json"))).jobs.length, 2)

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
        script.run("review", ["list", folder]),
        script.run("review", ["list", folder, "--json"])
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
      const { parameters, script: name, startedAt, status, summary } = whole
      assert.deepStrictEqual<unknown>(rows.at(-1), {
        file: "whole.json",
        parameters,
        script: name,
        startedAt,
        status,
        summary
      })
      for (const row of rows) assert.strictEqual("reason" in row, !("status" in row))
      assert.deepStrictEqual(rows.map(({ file }) => file), files)
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
      const ended = yield* Effect.forEach(cases, ({ args }) => script.run("review", args), { concurrency: 2 })
      for (const [index, { status, stderr, stdout }] of ended.entries()) {
        const { args, says } = cases[index]!
        assert.deepStrictEqual([status, stdout], [2, ""], args.join(" "))
        assert.include(stderr, says)
        assert.notInclude(stderr, "--out", "review has no such flag")
      }
      assert.strictEqual(yield* script.read(inFolder("killed.json")), "what was there")
      assert.include(yield* script.filesIn(folder), "killed.jsonl")
    }))
})
