import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import path from "node:path"
import * as hostile from "../../shared/hostileRecords.ts"
import * as here from "../shared/here.ts"
import { readRecord } from "../shared/record.ts"
import * as script from "../shared/script.ts"

const { start, submitted } = hostile.journalLines

describe("review finish", () => {
  it.live("overwrites an earlier record with --force, and says which it made", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [journal, record] = [path.join(folder, "run.jsonl"), path.join(folder, "run.json")]
      yield* script.write(journal, `${start}\n${submitted(0)}\n`)
      yield* script.write(record, "what was there")
      const refused = yield* here.run("review", ["finish", journal])
      assert.include(refused.stderr, `${record} cannot be written: expected no file there yet`)
      const forced = yield* here.run("review", ["finish", journal, "--force"])
      assert.deepStrictEqual(forced, { status: 0, stdout: `${record}\n`, stderr: "" })
      assert.lengthOf((yield* readRecord(record)).jobs, 1)
      assert.deepStrictEqual(yield* script.filesIn(folder), ["run.json"])
    }))

  it.live("fails for a journal in a folder that cannot be read, once it has finished the others", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      yield* script.write(path.join(folder, "a.jsonl"), "{\n")
      yield* script.write(path.join(folder, "b.jsonl"), `${start}\n`)
      const { stderr, stdout } = yield* here.run("review", ["finish", folder, folder])
      assert.match(stderr, /^\S+a\.jsonl cannot be read: expected a first line.*\n$/)
      assert.strictEqual(stdout, `${path.join(folder, "b.json")}\n`)
      assert.deepStrictEqual(yield* script.filesIn(folder), ["a.jsonl", "b.json"])
    }))
})
