/** Runs a job of its own, also where a worker imports it for that. */
import { Effect } from "effect"
import { Executor, Job } from "../../lib/mod.ts"
import { backEnds } from "../shared/backEnds.ts"

export const square = Job.make(import.meta, "square", (n: number) => n * n)

const { layer } = backEnds.find(({ name }) => name === process.env["BACK_END"])!

await Effect.runPromise(Executor.run(square, 7).pipe(Effect.provide(layer({ maxWorkers: 1 }))))
