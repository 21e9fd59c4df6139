/**
 * Has one worker idle, one in a job that awaits and, where asked for, one in a busy loop or in a job that waits for a
 * process of its own; then does nothing, or lets the first job end at a signal.
 *
 *     node test/programs/process-workers.ts NOTES idle | busy | parent [SIGINT]
 */
import { Effect, Fiber } from "effect"
import { Executor, ProcessExecutor } from "../../lib/mod.ts"
import * as faults from "../jobs/faults.ts"
import * as Notes from "../jobs/notes.ts"
import * as values from "../jobs/values.ts"
import { until } from "../shared/until.ts"

const [notes, what, signal] = process.argv.slice(2) as [Notes.Notes, "idle" | "busy" | "parent", string?]

const program = Effect.gen(function*() {
  const held = yield* Executor.submit(faults.hold, { notes, n: 3 })
  yield* until(() => Notes.lines(notes).length === 1)
  yield* Executor.run(values.square, 1)
  if (what !== "idle") {
    yield* Executor.submit(what === "busy" ? faults.busy : faults.parent, notes)
    yield* until(() => Notes.lines(notes).length === 2)
  }
  if (signal !== undefined) process.on(signal, () => Notes.openGate(notes))
  console.log("ready")
  console.log(`result ${yield* Fiber.join(held)}`)
})

await Effect.runPromise(Effect.provide(program, ProcessExecutor.layer({ maxWorkers: 3 })))
