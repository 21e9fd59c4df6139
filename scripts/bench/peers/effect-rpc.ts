/** Effect's own worker pool: RPC over `layerProtocolWorker`. */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as RpcClient from "effect/rpc/RpcClient"
import * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import type { Pool, Use } from "../pool.ts"
import { Jobs } from "./effect-rpc-jobs.ts"

const spawn = () => new Worker(new URL("effect-rpc-worker.ts", import.meta.url), { execArgv: [] })

/** It stops no job that keeps its worker busy. */
export const open = async ({ inFlight, workers }: Use): Promise<Pool> => {
  const protocol = RpcClient.layerProtocolWorker({ size: workers, concurrency: Math.ceil(inFlight / workers) })
  const runtime = ManagedRuntime.make(Layer.provide(protocol, NodeWorker.layer(spawn)))
  const client = await runtime.runPromise(
    Scope.provide(RpcClient.make(Jobs, { disableTracing: true }), runtime.scope)
  )
  // Each job has an input of its own, so no type fits whichever it is.
  return { run: (job, input) => runtime.runPromise(client[job as keyof typeof client](input as never)) }
}
