/** A program's and a runner's side of a cluster, put together. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import type { ClusterOptions, Options, RunnerOptions, Status } from "../../ClusterExecutor.ts"
import { Executor } from "../../Executor.ts"
import type { ClusterUnavailable } from "../../ExecutorError.ts"
import * as ResultStore from "../../ResultStore.ts"
import * as Client from "./Client.ts"
import * as Database from "./Database.ts"
import { connectionName, JobTable } from "./JobTable.ts"
import { within } from "./persist.ts"

/** Who watches a job wants no span of each question to the database. */
const untraced = Effect.withTracerEnabled(false)

/** Of its own for each program and runner, also where one process has several. */
const layerShared = (
  { databaseUrl, resultFolder }: ClusterOptions,
  connections: Omit<Database.Options, "databaseUrl">
) =>
  Layer.fresh(JobTable.layer.pipe(
    Layer.provideMerge(
      resultFolder === undefined ? ResultStore.layerPostgres : ResultStore.layerFolder(resultFolder)
    ),
    Layer.provideMerge(Database.layer({ databaseUrl, ...connections }))
  ))

/** To close takes longer only where the database does not answer, and could then take for ever. */
const closeTimeout = Duration.seconds(10)

/** What is still open when the time is over stays so. */
const closedWithin = (duration: Duration.Duration) => <A, E, R>(layer: Layer.Layer<A, E, R>) =>
  Layer.effectContext(Effect.flatMap(
    Effect.acquireRelease(Scope.make(), (scope, exit) => within(Scope.close(scope, exit), duration)),
    (scope) => Layer.buildWithScope(layer, scope)
  ))

export const layerClient = (
  { maxWorkers, retryFailed, run, ...options }: Options & { readonly retryFailed: boolean }
) => {
  const client = randomUUID().replaceAll("-", "")
  return Layer.effect(Executor, untraced(Client.make({ client, maxWorkers, run, retryFailed }))).pipe(
    Layer.provide(layerShared(options, { name: connectionName(client), maxConnections: 4, isDurable: true })),
    closedWithin(closeTimeout)
  )
}

export const layerRunner = (
  options: RunnerOptions & {
    readonly drainTimeout: Duration.Duration
    readonly keepFor: Duration.Duration
    readonly pollInterval: Duration.Duration
  }
) =>
  Layer.effectDiscard(
    Effect.gen(function*() {
      // A program that has jobs alone loads nothing of Effect's cluster.
      const Runner = yield* Effect.promise(() => import("./Runner.ts"))
      const { drain } = yield* Runner.make({
        jobs: options.jobs,
        keepFor: options.keepFor,
        address: options.address ?? `${hostname()}:${process.pid}`
      })
      yield* Effect.addFinalizer(() => Effect.timeoutOption(drain, options.drainTimeout))
    }).pipe(untraced)
  ).pipe(
    // Of what a runner says its number, the end of a job and large results must not be forgotten, and say so themselves;
    // the rest would be found out again.
    Layer.provide(layerShared(options, {
      name: "effect-futures runner",
      maxConnections: 5,
      isDurable: false,
      pollInterval: options.pollInterval
    })),
    closedWithin(Duration.sum(options.drainTimeout, closeTimeout))
  )

export const status = (options: ClusterOptions): Effect.Effect<Status, ClusterUnavailable> =>
  Effect.provide(
    JobTable.use((table) => table.status).pipe(
      Effect.mapError((error) => Database.unavailable(new URL(options.databaseUrl), error))
    ),
    layerShared(options, { name: "effect-futures status", maxConnections: 1, isDurable: true })
  )
