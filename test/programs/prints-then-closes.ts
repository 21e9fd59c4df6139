/** Closes an executor right after a job has printed a thousand lines. */
import { Effect } from "effect"
import { Executor, ThreadExecutor } from "../../lib/mod.ts"
import { print } from "../jobs/chatter.ts"

await Effect.runPromise(Effect.provide(Executor.run(print, 1000), ThreadExecutor.layer({ maxWorkers: 1 })))
