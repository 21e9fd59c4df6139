/** A runner of the cluster tests: `cluster-runner.ts <database URL> <workers> [<result folder>]`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer } from "effect"
import { ClusterExecutor } from "../../lib/mod.ts"
import { jobs } from "../shared/clusterJobs.ts"

const [databaseUrl, workers, resultFolder] = process.argv.slice(2)

const runner = ClusterExecutor.runner({
  databaseUrl: databaseUrl!,
  maxWorkers: Number(workers),
  minWorkers: Number(workers),
  jobs,
  ...(resultFolder !== undefined && { resultFolder })
})

Effect.scoped(Effect.gen(function*() {
  yield* Layer.build(runner)
  yield* Console.log("ready")
  return yield* Effect.never
})).pipe(NodeRuntime.runMain)
