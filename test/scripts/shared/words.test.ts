import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { oneLine, quoted } from "../../../scripts/shared/words.ts"

describe("quoted", () => {
  it("is one word to a shell, and nothing more where it is one already", () => {
    assert.strictEqual(quoted("results/my-run.json"), "results/my-run.json")
    for (const word of ["my cluster", "it's", "$HOME", "", "a;b", "~"]) {
      assert.strictEqual(execFileSync("sh", ["-c", `printf '<%s>' ${quoted(word)}`], { encoding: "utf8" }), `<${word}>`)
    }
  })
})

describe("oneLine", () => {
  it("joins lines by a space", () => {
    assert.strictEqual(oneLine("a\n  b \n\n c d\n"), "a b c d ")
  })

  it("takes no time to speak of for much white space, as a key of a damaged record can hold", () => {
    const message = `a${" ".repeat(400_000)}b`
    assert.strictEqual(oneLine(message), message)
  })
})
