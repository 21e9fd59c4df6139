/** What the cases measure, ready for jobs, for the time of a scope. */
import { Effect, Layer } from "effect"
import { ThreadExecutor } from "../../lib/mod.ts"
import * as bare from "./bare.ts"

export const bareWorkers = (workers: number) =>
  Effect.acquireRelease(
    Effect.promise(() => bare.start(workers)),
    (started) => Effect.promise(() => bare.stop(started))
  )

export const executor = (workers: number) =>
  Layer.build(ThreadExecutor.layer({ maxWorkers: workers, minWorkers: workers }))
