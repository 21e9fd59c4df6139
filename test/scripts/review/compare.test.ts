import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import type { RunRecord } from "../../../lib/mod.ts"
import { runRecord } from "../../shared/records.ts"
import * as here from "../shared/here.ts"
import * as script from "../shared/script.ts"

/** Compares these records, each in a file of its own, `0.json` and so on. */
const compareAll = Effect.fnUntraced(function*(records: ReadonlyArray<object>, ...args: ReadonlyArray<string>) {
  const folder = yield* script.folder
  const files = records.map((_, n) => path.join(folder, `${n}.json`))
  for (const [n, file] of files.entries()) yield* script.write(file, JSON.stringify(records[n]))
  return yield* here.run("review", ["compare", ...files, ...args])
})

const { jobs: _, memory: __, summary, ...common } = runRecord

describe("review compare", () => {
  it.live("sets runs of different scripts side by side, and says that they are", () =>
    Effect.gen(function*() {
      const { stdout } = yield* compareAll([runRecord, { ...runRecord, script: "loan" }], "--json")
      const { differences, figures, records } = JSON.parse(stdout)
      assert.deepStrictEqual(
        records.map(({ file, ...record }: { readonly file: string }) => ({ ...record, file: path.basename(file) })),
        ["lazy", "loan"].map((script, n) => ({
          script,
          startedAt: runRecord.startedAt,
          status: "completed",
          file: `${n}.json`
        }))
      )
      assert.deepStrictEqual(differences, [{ name: "script", values: ["lazy", "loan"] }])
      assert.isNotEmpty(figures)
      for (const { cells, of } of figures) assert.deepStrictEqual([of, cells.length], ["lazy, loan", 2])
    }))

  it.live("names as different also a parameter that only one has, whatever it is called", () =>
    Effect.gen(function*() {
      const parameters = { ...runRecord.parameters, toString: 1 }
      const { stdout } = yield* compareAll([runRecord, { ...runRecord, parameters }])
      assert.match(stdout, /These differ.*\n.*\n│ +│ A │ B │\n.*\n│ parameter toString │ +│ 1 │\n└/)
    }))

  const gateAt = Effect.fnUntraced(function*(limit: string, ...records: ReadonlyArray<object>) {
    const { status, stderr } = yield* compareAll(records, "--fail-above", limit)
    assert.strictEqual(status, stderr === "" ? 0 : 1)
    return stderr
  })

  const gate = (...records: ReadonlyArray<object>) => gateAt("10%", ...records)

  it.live("shuts the gate for a run that did not complete, also the first, and one that recorded no runs", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* gate({ ...runRecord, status: "killed" }, runRecord),
        "A: lazy is not completed but killed\n"
      )
      const none: RunRecord.ComparisonRecord = { ...common, script: "compare", status: "interrupted", runs: [] }
      assert.strictEqual(
        yield* gate(none, none),
        [
          "A: compare is not completed but interrupted",
          "B: compare is not completed but interrupted",
          ""
        ].join("\n")
      )
      // As if it had ended between two runs.
      const some: RunRecord.ComparisonRecord = { ...none, runs: [runRecord] }
      assert.strictEqual(
        yield* gate(some, { ...some, status: "completed" }),
        "A: compare is not completed but interrupted\n"
      )
    }))

  it.live("leaves the gate open for what neither tells, and for a change up to the limit", () =>
    Effect.gen(function*() {
      const parameters = { workers: 1 }
      const later = (wallMs: number) => ({ ...runRecord, parameters, summary: { ...summary, wallMs } })
      assert.strictEqual(yield* gate(later(1000), later(1100)), "")
      assert.match(
        yield* gate(later(1000), later(1000), later(1101)),
        /^lazy: wall is worse in C by more than 10%: /
      )
      assert.match(
        yield* gateAt("0.04%", later(10_000), later(10_004), later(10_005)),
        /^lazy: wall is worse in C by more than 0\.04%: /
      )
    }))

  it.live("names no change of one record to itself, and takes no more than there are letters", () =>
    Effect.gen(function*() {
      const { stdout } = yield* compareAll([runRecord, runRecord])
      assert.notInclude(stdout, "differ")
      assert.strictEqual(stdout.split("\n")[1], `B 1.json: lazy, ${runRecord.startedAt}, completed`)
      const tooMany = yield* compareAll(Array.from({ length: 27 }, () => runRecord))
      assert.strictEqual(tooMany.status, 2)
      assert.include(tooMany.stderr, "26")
    }))
})
