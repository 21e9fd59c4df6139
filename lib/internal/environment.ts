/** The facts about where a run takes place. */
import * as Effect from "effect/Effect"
import effectPackage from "effect/package.json" with { type: "json" }
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import os from "node:os"
import type { Environment } from "../RunRecord.ts"

export const environment: Effect.Effect<Environment, never, ChildProcessSpawner> = Effect.gen(function*() {
  const cpus = os.cpus()
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    effect: effectPackage.version,
    platform: process.platform,
    arch: process.arch,
    cpu: cpus[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    commit: yield* commit
  }
})

/** Without a lock, which would be in the way of the user's own git, and stay where this is killed. */
const commit = Effect.gen(function*() {
  const spawner = yield* ChildProcessSpawner
  const status = yield* spawner.string(
    ChildProcess.make(
      "git",
      ["--no-optional-locks", "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=no"],
      { cwd: import.meta.dirname, stderr: "ignore" }
    )
  )
  const name = /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(status)?.[1]
  return name === undefined ? null : /^[^#]/m.test(status) ? `${name}-dirty` : name
}).pipe(Effect.orElseSucceed(() => null))
