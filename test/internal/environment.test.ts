import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import effectPackage from "effect/package.json" with { type: "json" }
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import os from "node:os"
import { environment } from "../../lib/internal/environment.ts"

/** The environment where git answers so. */
const environmentWith = (status: Effect.Effect<string, string>) =>
  Effect.provideService(environment, ChildProcessSpawner, { string: () => status } as never)

const oid = "0123456789abcdef0123456789abcdef01234567"

describe("environment", () => {
  it.effect("says what runs where", () =>
    Effect.gen(function*() {
      const { commit, cpu, ...facts } = yield* environmentWith(Effect.fail("no git"))
      assert.deepStrictEqual(facts, {
        node: process.versions.node,
        v8: process.versions.v8,
        effect: effectPackage.version,
        platform: process.platform,
        arch: process.arch,
        cores: os.availableParallelism(),
        memoryBytes: os.totalmem()
      })
      assert.match(cpu, /^\S(.*\S)?$/)
      assert.isNull(commit)
    }))

  for (
    const [what, status, commit] of [
      ["as it was committed", `# branch.oid ${oid}\n# branch.head main\n`, oid],
      [
        "changed",
        `# branch.oid ${oid}\n# branch.head main\n1 .M N... 100644 100644 100644 a b lib/Job.ts\n`,
        `${oid}-dirty`
      ],
      ["in a repository of SHA-256", `# branch.oid ${oid}${oid.slice(0, 24)}\n`, `${oid}${oid.slice(0, 24)}`],
      ["never committed", "# branch.oid (initial)\n# branch.head main\n1 A. N... 0 1 1 a b lib/Job.ts\n", null],
      ["in no repository", "", null]
    ] as const
  ) {
    it.effect(`names the commit of a source that is ${what}`, () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* environmentWith(Effect.succeed(status))).commit, commit)
      }))
  }
})
