import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import fs from "node:fs"
import path from "node:path"
import { stored } from "../../../lib/internal/cluster/storing.ts"
import * as wire from "../../../lib/internal/cluster/wire.ts"
import { ResultStore } from "../../../lib/mod.ts"
import { makeNotes } from "../../shared/backEnds.ts"

const values = Float64Array.from({ length: 300_000 }, (_, n) => n)

const succeeded = (value: unknown) => ({ _tag: "Succeeded", value }) as const

describe("stored", () => {
  it.live("writes what a ResultStore of the same folder reads", () =>
    Effect.gen(function*() {
      const folder = path.join(yield* makeNotes, "made when it is needed")
      const value = { values, rest: [-0, undefined, "é", values.subarray(7)] }
      yield* ResultStore.ResultStore.use((store) =>
        Effect.gen(function*() {
          const place = store.reserve!()
          const outcome = stored(succeeded(value), place.file)
          if (outcome._tag !== "Stored") return assert.fail(outcome._tag)
          assert.strictEqual(outcome.resultBytes, values.byteLength)
          const { bytes, hash } = outcome
          const reader = new wire.Reader()
          yield* Stream.runForEach(
            store.read({ ...place, bytes, hash }),
            (piece) => Effect.sync(() => reader.push(piece))
          )
          assert.deepStrictEqual(reader.end().values, [["value", value]])
          yield* store.remove(place)
        })
      ).pipe(Effect.provide(ResultStore.layerFolder(folder)))
      assert.deepStrictEqual(fs.readdirSync(folder), [])
    }))

  it.live("leaves to others what is small, has failed, cannot be sent or cannot be written", () =>
    Effect.gen(function*() {
      const folder = yield* makeNotes
      const file = path.join(folder, "result")
      const detached = new ArrayBuffer(8)
      detached.transfer()
      for (
        const outcome of [
          succeeded(values.subarray(0, 3).slice()),
          { _tag: "Failed", error: values } as const,
          succeeded([values, new Date()]),
          succeeded([values, detached])
        ]
      ) {
        assert.strictEqual(stored(outcome, file), outcome)
      }
      const outcome = succeeded(values)
      assert.strictEqual(stored(outcome, folder), outcome)
      assert.strictEqual(stored(outcome, "/dev/full/result"), outcome)
      assert.deepStrictEqual(fs.readdirSync(folder), [])
    }))

  it.live.skipIf(process.platform !== "linux")(
    "leaves nothing open, and no part of what did not fit",
    () =>
      Effect.gen(function*() {
        const folder = yield* makeNotes
        const [full, file] = [path.join(folder, "full"), path.join(folder, "result")]
        fs.symlinkSync("/dev/full", full)
        const outcome = succeeded(values)
        assert.strictEqual(stored(outcome, full), outcome)
        assert.propertyVal(stored(outcome, file), "_tag", "Stored")
        assert.deepStrictEqual(fs.readdirSync(folder), ["result"])
        const open = fs.readdirSync("/proc/self/fd").map((fd) => {
          // That of the folder itself is gone.
          try {
            return fs.readlinkSync(`/proc/self/fd/${fd}`)
          } catch {
            return ""
          }
        })
        assert.notIncludeMembers(open, [fs.realpathSync(file)])
        assert.notIncludeMembers(open, ["/dev/full"])
      })
  )
})
