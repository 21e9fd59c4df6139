/** A runner of one worker for {@link ./cluster.ts}: what it needs and no more, so that samples start soon. */
import { enableCompileCache, flushCompileCache } from "node:module"

enableCompileCache()
const Effect = await import("effect/Effect")
const Layer = await import("effect/Layer")
const { ClusterExecutor } = await import("../../lib/mod.ts")
const { sin } = await import("../../lib/jobs/sin.ts")
const { noop } = await import("./ours-jobs.ts")

const [databaseUrl, resultFolder] = process.argv.slice(2) as [string, string]
const runner = ClusterExecutor.runner({ databaseUrl, resultFolder, maxWorkers: 1, minWorkers: 1, jobs: [noop, sin] })
// It is killed when it is not needed any more, and could not keep what it has compiled then.
const kept = Layer.effectDiscard(Effect.sync(flushCompileCache))

await Effect.runPromise(Layer.launch(Layer.provide(kept, runner)))
