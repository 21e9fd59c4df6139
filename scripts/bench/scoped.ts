/** Samples that start programs: what they started ends with them, also where the benchmark is interrupted. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import { once } from "node:events"
import fs from "node:fs/promises"
import os from "node:os"
import path from "node:path"

/** Takes a sample in a scope of its own; the signal of an interrupted benchmark closes that and ends this process. */
export const scoped = async <A>(sample: Effect.Effect<A, unknown, Scope.Scope>): Promise<A> => {
  const told = new AbortController()
  process.once("SIGTERM", () => told.abort())
  try {
    return await Effect.runPromise(Effect.scoped(sample), { signal: told.signal })
  } catch (error) {
    if (told.signal.aborted) process.exit(143)
    throw error
  }
}

/** An empty folder. */
export const folder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), "effect-futures-bench-"))
    await fs.chmod(folder, 0o755)
    return folder
  }),
  // What was cut off while it started may write for a moment.
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true, maxRetries: 9 }))
)

/** A program that is killed at the end. */
export const program = (file: string, args: ReadonlyArray<string>, options: SpawnOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(file, args, options)),
    (child) => Effect.promise(async () => hasEnded(child) || (child.kill("SIGKILL") && once(child, "exit")))
  )

/** Whether it has; whoever waits for its end then would wait for ever. */
export const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null
