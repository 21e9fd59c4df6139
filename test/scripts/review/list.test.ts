import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import * as hostile from "../../shared/hostileRecords.ts"
import { runRecord } from "../../shared/records.ts"
import * as here from "../shared/here.ts"
import * as script from "../shared/script.ts"

/** A folder of these files. */
const folderOf = Effect.fnUntraced(function*(files: Record<string, object | string>) {
  const folder = yield* script.folder
  for (const [name, content] of Object.entries(files)) {
    yield* script.write(path.join(folder, name), typeof content === "string" ? content : JSON.stringify(content))
  }
  return folder
})

const filesOf = Effect.fnUntraced(function*(folder: string, ...args: ReadonlyArray<string>) {
  const { status, stdout } = yield* here.run("review", ["list", folder, "--json", ...args])
  assert.strictEqual(status, 0)
  return (JSON.parse(stdout) as ReadonlyArray<{ readonly file: string }>).map(({ file }) => file.replace(/\..*/, ""))
})

const { summary } = runRecord

const runs = {
  "a.json": { ...runRecord, script: "eager", status: "failed", startedAt: "2026-11-23T07:41:30.003Z" },
  "b.json": { ...runRecord, startedAt: "2026-11-23T07:41:30.002Z", summary: { ...summary, rssSlopeBytesPerJob: -5 } },
  "c.json": { ...runRecord, script: "remove", status: "killed", startedAt: "2026-11-23T07:41:30.001Z" }
}

describe("review list", () => {
  it.live("sorts by each of what it offers, least first", () =>
    Effect.gen(function*() {
      const folder = yield* folderOf(runs)
      assert.deepStrictEqual(yield* filesOf(folder), ["c", "b", "a"])
      assert.deepStrictEqual(yield* filesOf(folder, "--sort", "start", "--reverse"), ["a", "b", "c"])
      assert.deepStrictEqual(yield* filesOf(folder, "--sort", "script"), ["a", "b", "c"])
      assert.deepStrictEqual(yield* filesOf(folder, "--sort", "status"), ["b", "a", "c"])
      assert.deepStrictEqual(yield* filesOf(folder, "--sort", "slope"), ["b", "a", "c"])
    }))

  it.live("leaves out what is no record only where it is asked for some of them", () =>
    Effect.gen(function*() {
      const folder = yield* folderOf({ ...runs, "d.json": "{", "e.schema.json": "{}" })
      assert.deepStrictEqual(yield* filesOf(folder), ["c", "b", "a", "d"])
      assert.deepStrictEqual(yield* filesOf(folder, "--script", "eager"), ["a"])
      assert.deepStrictEqual(yield* filesOf(folder, "--status", "failed"), ["a"])
    }))

  it.live("takes a journal for the run of the record beside it only if both began at the same time", () =>
    Effect.gen(function*() {
      const { start } = hostile.journalLines
      const folder = yield* folderOf({
        "again.json": { ...runs["c.json"], script: "lazy" },
        "again.jsonl": start,
        "x.jsonl": start
      })
      assert.deepStrictEqual(yield* filesOf(folder), ["again", "again", "x"])
      yield* script.write(path.join(folder, "again.json"), JSON.stringify(runRecord))
      assert.deepStrictEqual(yield* filesOf(folder), ["again", "x"])
    }))
})
