/** Effect's own worker pool: RPC over `layerProtocolWorker`. */
import * as NodeWorker from "@effect/platform-node/NodeWorker"

import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as RpcClient from "effect/rpc/RpcClient"
import * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import type { Pool, Use } from "../pool.ts"
import { Jobs } from "./effect-rpc-jobs.ts"

export const open = async ({ inFlight, workers }: Use): Promise<Pool> => {
  const spawn = () => new Worker(new URL("effect-rpc-worker.ts", import.meta.url), { execArgv: [] })
  const protocol = Layer.provide(
    RpcClient.layerProtocolWorker({ size: workers, concurrency: inFlight }),
    NodeWorker.layer(spawn)
  )
  const runtime = ManagedRuntime.make(protocol)
  const making = Scope.provide(RpcClient.make(Jobs, { disableTracing: true }), runtime.scope)
  const client = await runtime.runPromise(making)
  return { run: (job, input) => runtime.runPromise(client[job](input)) }
}
