/** The back ends that have workers of their own. */
import { Effect } from "effect"
import fs from "node:fs"
import os from "node:os"
import path from "node:path"
import { ProcessExecutor, ThreadExecutor } from "../../lib/mod.ts"

export const backEnds = [
  { name: "ThreadExecutor", layer: ThreadExecutor.layer },
  { name: "ProcessExecutor", layer: ProcessExecutor.layer }
] as const

export type BackEnd = (typeof backEnds)[number]

/** A directory for notes, for as long as the scope is open. */
export const makeNotes = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "effect-futures-"))),
  (notes) => Effect.sync(() => fs.rmSync(notes, { recursive: true, force: true }))
)
