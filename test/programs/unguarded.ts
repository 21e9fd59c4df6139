/** Runs a job of its own, also where a worker imports it for that, until one of its runs is refused. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Schedule } from "effect"
import fs from "node:fs"
import { Executor, Job } from "../../lib/mod.ts"
import { backEnds } from "../shared/backEnds.ts"

export const square = Job.make(import.meta, "square", (n: number) => n * n)

const { BACK_END, FORM, REFUSED = "" } = process.env

const program = Executor.run(square, 7).pipe(
  Effect.repeat({ until: () => fs.existsSync(REFUSED), schedule: Schedule.spaced("20 millis") }),
  // One that does not await it has been imported by then.
  Effect.delay("50 millis"),
  Effect.tapError(({ message }) => Effect.sync(() => fs.appendFileSync(REFUSED, message))),
  Effect.provide(backEnds.find(({ name }) => name === BACK_END)!.layer({ maxWorkers: 1 }))
)

if (FORM === "awaited") await Effect.runPromise(program)
else NodeRuntime.runMain(program)
