import { assert, describe, it } from "@effect/vitest"
import { keyOf, naming } from "../../../lib/internal/cluster/names.ts"
import { square } from "../../jobs/values.ts"

const [hash, otherHash] = ["a".repeat(64), "b".repeat(64)]

/** What a run calls its jobs with these inputs. */
const namesOf = (hashes: ReadonlyArray<string>) => {
  const nameOf = naming("client", "run")
  return hashes.map((hash) => nameOf(undefined, square, hash)).toSorted()
}

describe("naming", () => {
  it("numbers the jobs of a program, except those that have a key", () => {
    const nameOf = naming("client", undefined)
    assert.deepStrictEqual(
      [undefined, "mine", undefined].map((key) => nameOf(key, square, hash)),
      ["client/0", "key/mine", "client/1"]
    )
  })

  it("knows the jobs of a run again that come in another order", () => {
    const names = namesOf([hash, otherHash, hash])
    assert.deepStrictEqual(names, namesOf([otherHash, hash, hash]))
    assert.strictEqual(new Set(names).size, 3)
    assert.notDeepEqual(namesOf([hash]), namesOf([otherHash]))
    assert.isTrue(names.every((name) => keyOf(name)?.startsWith("run/square/")))
  })
})
