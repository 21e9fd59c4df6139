import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fs from "node:fs/promises"
import path from "node:path"
import { afterAll, vi } from "vitest"
import { runRecord } from "../../shared/records.ts"
import * as here from "../shared/here.ts"
import * as script from "../shared/script.ts"

/** Stands for results/. */
const results = await vi.hoisted(async () => {
  const [fs, os, path] = await Promise.all([import("node:fs/promises"), import("node:os"), import("node:path")])
  return path.join(await fs.mkdtemp(path.join(os.tmpdir(), "scripts-")), "results")
})
vi.mock(import("../../../scripts/shared/place.ts"), async (original) => ({
  ...await original(),
  resultFolder: results
}))
afterAll(() => fs.rm(path.dirname(results), { recursive: true }))

const put = (name: string, content: object) => script.write(path.join(results, name), JSON.stringify(content))

/** What a page shows, by the scripts and starts of its runs. */
const runsOf = (html: string) =>
  JSON.parse(/id="shown">(.*?)<\/script>/s.exec(html)![1]!).plots.runs.map(({ record }: any) =>
    `${record.script} ${record.startedAt}`
  )

describe("review without a FILE", () => {
  it.live("takes the records in results/, and for a page those of reference/ as long as there is none", () =>
    Effect.gen(function*() {
      const none = yield* here.run("review", ["list", "--json"])
      assert.deepStrictEqual([none.status, none.stdout], [0, "[]\n"], "it need not be there")

      yield* Effect.promise(() => fs.mkdir(path.join(results, "reference"), { recursive: true }))
      const schema = path.join(script.root, "results", "run-record.schema.json")
      yield* put("run-record.schema.json", JSON.parse(yield* script.read(schema)))
      yield* put("reference/lazy.json", { ...runRecord, script: "reference" })
      const out = path.join(results, "page.html")
      const first = yield* here.run("review", ["page"])
      assert.deepStrictEqual([first.status, first.stdout], [0, `${out}\n`])
      assert.deepStrictEqual(runsOf(yield* script.read(out)), [`reference ${runRecord.startedAt}`])

      const later = { ...runRecord, startedAt: "2026-11-23T07:41:30.124Z" }
      for (const [name, record] of Object.entries({ a: runRecord, b: later, c: { ...runRecord, script: "loan" } })) {
        yield* put(`${name}.json`, record)
      }
      assert.strictEqual((yield* here.run("review", ["page", "--force"])).status, 0)
      assert.deepStrictEqual(runsOf(yield* script.read(out)), [
        `lazy ${later.startedAt}`,
        `loan ${runRecord.startedAt}`
      ])
      const named = yield* here.run("review", [
        "page",
        ...["a", "b"].map((name) => path.join(results, `${name}.json`)),
        "--force"
      ])
      assert.strictEqual(named.status, 0)
      assert.lengthOf(runsOf(yield* script.read(out)), 2, "those that are named are shown all")

      const checked = yield* here.run("review", ["check"])
      assert.deepStrictEqual([checked.status, checked.stdout], [0, "3 valid\n"])
    }))
})
