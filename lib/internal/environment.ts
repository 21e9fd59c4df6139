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

const commit = Effect.gen(function*() {
  const spawner = yield* ChildProcessSpawner
  const described = yield* spawner.string(
    ChildProcess.make("git", ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"], {
      cwd: import.meta.dirname,
      stderr: "ignore"
    })
  )
  const name = described.trim()
  return /^[0-9a-f]{40}(-dirty)?$/.test(name) ? name : null
}).pipe(Effect.orElseSucceed(() => null))
