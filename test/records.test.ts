import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readdirSync } from "node:fs"
import path from "node:path"
import { Recorder } from "../lib/mod.ts"
import { runRecord } from "./shared/records.ts"

const services = Layer.provideMerge(Recorder.Recorder.layer, NodeServices.layer)

const folder = path.join(import.meta.dirname, "records")
const versions = readdirSync(folder)

/** One record of each kind; each version has them, as it wrote them. */
const kinds = {
  "benchmark.json": { key: "cases", status: "completed", damaged: [] },
  "comparison.json": { key: "runs", status: "completed", damaged: [] },
  "killed.jsonl": { key: "jobs", status: "killed", damaged: [10] },
  "run.json": { key: "jobs", status: "completed", damaged: [] }
}

describe("records of earlier versions", () => {
  it("are kept of each version", () => {
    assert.deepStrictEqual(versions, Array.from({ length: runRecord.version }, (_, n) => `v${n + 1}`))
    for (const version of versions) {
      assert.sameMembers(readdirSync(path.join(folder, version)), Object.keys(kinds))
    }
  })

  for (const version of versions) {
    for (const [name, { damaged, key, status }] of Object.entries(kinds)) {
      it.live(`${version}/${name} is read`, () =>
        Effect.gen(function*() {
          const recorder = yield* Recorder.Recorder
          const { damage, record } = yield* recorder.read(path.join(folder, version, name))
          assert.property(record, key)
          assert.strictEqual(record.status, status)
          assert.deepStrictEqual(damage.map(({ line }) => line), damaged)
        }).pipe(Effect.provide(services)))
    }
  }
})
