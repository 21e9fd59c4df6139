import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { quoted } from "../../../scripts/shared/words.ts"

describe("quoted", () => {
  it("is one word to a shell, and nothing more where it is one already", () => {
    assert.strictEqual(quoted("results/my-run.json"), "results/my-run.json")
    for (const word of ["my cluster", "it's", "$HOME", "", "a;b", "~"]) {
      assert.strictEqual(execFileSync("sh", ["-c", `printf '<%s>' ${quoted(word)}`], { encoding: "utf8" }), `<${word}>`)
    }
  })
})
