/** What the cases measure of this project; each subject that needs it loads it. */
import * as ManagedRuntime from "effect/ManagedRuntime"
import { ThreadExecutor } from "../../lib/mod.ts"

export * as Effect from "effect/Effect"
export * as Stream from "effect/Stream"
export { Executor } from "../../lib/mod.ts"
export * as jobs from "./ours-jobs.ts"

/** An executor with all its workers up. */
export const open = (workers: number) =>
  ManagedRuntime.make(ThreadExecutor.layer({ maxWorkers: workers, minWorkers: workers }))
