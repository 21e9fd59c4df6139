/** A program as `NodeRuntime.runMain` runs it, with its workers in busy loops. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { Executor } from "../../lib/mod.ts"
import * as faults from "../jobs/faults.ts"
import * as Notes from "../jobs/notes.ts"
import { backEnds } from "../shared/backEnds.ts"
import { until } from "../shared/until.ts"

const [notes, name] = process.argv.slice(2) as [Notes.Notes, string]

const program = Effect.gen(function*() {
  for (const _ of [1, 2]) yield* Executor.submit(faults.busy, notes)
  yield* until(() => Notes.lines(notes).length === 2)
  yield* Console.log("ready")
  return yield* Effect.never
})

NodeRuntime.runMain(
  program.pipe(
    Effect.provide(backEnds.find((backEnd) => backEnd.name === name)!.layer({ maxWorkers: 2 })),
    Effect.onInterrupt(() => Console.log("closed"))
  )
)
