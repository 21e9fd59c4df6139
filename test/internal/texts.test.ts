import { assert, describe, it } from "@effect/vitest"
import type { Settled } from "../../lib/internal/protocol.ts"
import { read, written } from "../../lib/internal/texts.ts"
import { runMessage } from "../shared/runMessage.ts"

const records = (count: number) => Array.from({ length: count }, (_, id) => ({ id, name: `record ${id}` }))

const settled = (...values: ReadonlyArray<unknown>): Settled => ({
  _tag: "Settled",
  id: 1,
  outcomes: values.map((value) => ({ _tag: "Succeeded", value })),
  buffers: [],
  startedAt: 0,
  returnedAt: 0,
  cost: undefined,
  spans: undefined
})

describe("written", () => {
  it("makes text of many objects, which is read as they were, and leaves the rest of the message", () => {
    for (const message of [runMessage(1, "job", [records(100), null]), settled(records(100), null)]) {
      const sent = written(message)
      const key = message._tag === "Run" ? "inputs" : "outcomes"
      assert.isString(sent[key as keyof typeof sent])
      assert.deepStrictEqual(read(structuredClone(sent)), message)
    }
  })

  it("leaves a message as it is that has few objects, other values, or none", () => {
    const shared = records(100)
    const messages = [
      runMessage(1, "job", ["text"]),
      runMessage(1, "job", [shared, shared]),
      settled(new Map(records(100).entries())),
      settled(...Array(200)),
      { _tag: "Given" } as const
    ]
    for (const message of messages) {
      assert.strictEqual(written(message), message)
      assert.strictEqual(read(message), message)
    }
  })
})
