// The worker of Effect's RPC worker pool.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcServer from "effect/rpc/RpcServer"
import * as jobs from "../jobs.js"
import { Jobs } from "./effect-rpc-jobs.ts"

const handlers = Jobs.toLayer({
  noop: (input) => Effect.sync(() => jobs.noop(input)),
  block: () => Effect.sync(() => jobs.block()),
  spin: (ms) => Effect.sync(() => jobs.spin(ms)),
  echo: (value) => Effect.sync(() => jobs.echo(value)),
  pass: (array) => Effect.sync(() => jobs.pass(array)),
  fill: (length) => Effect.sync(() => jobs.fill(length))
})

RpcServer.layer(Jobs, { disableTracing: true }).pipe(
  Layer.provide(handlers),
  Layer.provide(RpcServer.layerProtocolWorkerRunner),
  Layer.provide(NodeWorkerRunner.layer),
  Layer.launch,
  NodeRuntime.runMain
)
