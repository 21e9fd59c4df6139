/**
 * The runners as members of an Effect cluster: each is registered, holds its share of the shards, and loses them when it
 * is not heard of. What a cluster does once, not once a runner, is a singleton on the holder of its shard.
 *
 * Jobs do not go through shards but through the queue, so that they go where a worker is free.
 */
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Singleton from "effect/cluster/Singleton"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { PersistedQueueStore } from "effect/persistence/PersistedQueue"
import { MinimumLogLevel } from "effect/References"
import * as Schedule from "effect/Schedule"
import { ResultStore } from "../../ResultStore.ts"
import { JobTable } from "./JobTable.ts"
import { persist } from "./persist.ts"

const shards = 60

/** What the queue has handed out is kept as long as a client may hand the same in again, because it lost its connection. */
const maxTicketAge = Duration.hours(1)

/** The number of the runner stands in the place of a port: nothing listens there, all goes through the database. */
const addressOf = (runner: number) => RunnerAddress.make("runner", runner)

/** Joins the cluster as `runner`; `keepFor` is the age at which what jobs left behind goes. */
export const layer = (runner: number, keepFor: Duration.Duration) =>
  Singleton.make("housekeeping", housekeeping(keepFor)).pipe(
    Layer.provideMerge(Sharding.layer),
    Layer.provide(Layer.effect(
      RunnerHealth.RunnerHealth,
      Effect.map(JobTable, (table) => ({
        isAlive: ({ port }) => Effect.orElseSucceed(table.isAlive(port), () => true)
      }))
    )),
    Layer.provide(Runners.layerNoop),
    Layer.provide(MessageStorage.layerNoop),
    // Waits for a database that goes away meanwhile, and says so: its caller hears of errors alone.
    Layer.provide(Layer.effect(
      RunnerStorage.RunnerStorage,
      persist(SqlRunnerStorage.make({ prefix: "effect_futures_cluster" })).pipe(
        Effect.provideService(MinimumLogLevel, "Warn")
      )
    )),
    Layer.provide(ShardingConfig.layer({
      runnerAddress: Option.some(addressOf(runner)),
      shardsPerGroup: shards,
      shardLockExpiration: "6 seconds",
      shardLockRefreshInterval: "2 seconds",
      runnerHealthCheckInterval: "3 seconds",
      refreshAssignmentsInterval: "1 second"
    })),
    Layer.fresh
  )

/** How many of the shards this runner holds. */
export const heldShards = Effect.map(
  Sharding.Sharding,
  ({ hasShardId }) => Array.from({ length: shards }, (_, n) => ShardId.make("default", n + 1)).filter(hasShardId).length
)

const housekeeping = (keepFor: Duration.Duration) =>
  Effect.gen(function*() {
    const table = yield* JobTable
    const queue = yield* PersistedQueueStore
    const results = yield* ResultStore
    const timeToLive = Duration.min(keepFor, maxTicketAge)
    const steps = [
      table.removeDeadRunners,
      queue.cleanup({ timeToLive, failedTimeToLive: timeToLive }),
      // Postgres has no interval without end.
      ...(Duration.isFinite(keepFor)
        ? [
          table.removeOlder(keepFor),
          table.cancelOlder(keepFor),
          Effect.flatMap(table.inputs, (inputs) => results.removeOlder(keepFor, inputs))
        ]
        : [])
    ]
    // One that fails keeps no other from being done.
    yield* Effect.forEach(steps, (step) => Effect.ignore(step), { discard: true }).pipe(
      Effect.repeat(Schedule.spaced(Duration.min(Duration.minutes(1), keepFor)))
    )
  })
