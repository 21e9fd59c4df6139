/**
 * Has one worker idle, one in a job that awaits and, where asked for, one in a busy loop; then does nothing, or lets
 * the job end at a signal.
 *
 *     node test/programs/process-workers.ts NOTES idle | busy | SIGINT
 */
import { Effect, Fiber } from "effect"
import { Executor, ProcessExecutor } from "../../lib/mod.ts"
import * as faults from "../jobs/faults.ts"
import * as Notes from "../jobs/notes.ts"
import * as values from "../jobs/values.ts"
import { until } from "../shared/until.ts"

const [notes, what] = process.argv.slice(2) as [Notes.Notes, string]

const program = Effect.gen(function*() {
  const held = yield* Executor.submit(faults.hold, { notes, n: 3 })
  yield* until(() => Notes.lines(notes).length === 1)
  yield* Executor.run(values.square, 1)
  if (what === "busy") {
    yield* Executor.submit(faults.busy, notes)
    yield* until(() => Notes.lines(notes).length === 2)
  }
  if (what.startsWith("SIG")) process.on(what, () => Notes.openGate(notes))
  console.log("ready")
  console.log(`result ${yield* Fiber.join(held)}`)
})

await Effect.runPromise(Effect.provide(program, ProcessExecutor.layer({ maxWorkers: 3 })))
