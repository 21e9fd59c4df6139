/**
 * Jobs on the machines of a cluster: the same program, with another Layer.
 *
 * {@link runner} offers jobs, {@link layer} hands them over; what both share is a Postgres database. A job is persisted
 * when it is accepted: it survives the death of its runner, of the database and of the program, and its result arrives
 * once. A job that was running on what died is run again, so a job may begin more than once, and one that has ended never.
 *
 * Inputs, results and errors travel as JSON with typed arrays as bytes; what JSON cannot say needs the job's schemas.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Executor } from "./Executor.ts"
import type { ClusterUnavailable, InvalidOptions, WorkerStartError } from "./ExecutorError.ts"
import { workersPerRunner } from "./internal/cluster/RunnerClocks.ts"
import * as checks from "./internal/options.ts"
import type * as Job from "./Job.ts"
import * as ThreadExecutor from "./ThreadExecutor.ts"

/** What a cluster does at one moment. */
export interface Status {
  readonly runners: ReadonlyArray<RunnerStatus>
  readonly jobs: {
    readonly waiting: number
    readonly running: number
    readonly done: number
    readonly failed: number
    /** Jobs that ended in the latest ten seconds, a second. */
    readonly perSecond: number
  }
}

/** A runner that is alive. */
export interface RunnerStatus {
  readonly pid: number
  readonly address: string
  readonly workers: number
  readonly busy: number
  /** How many of the cluster's shards it holds; each is one runner's. */
  readonly shards: number
  /** The jobs that it runs, and for how long. */
  readonly running: ReadonlyArray<{ readonly job: string; readonly key: string | null; readonly ms: number }>
  /** How many jobs it has ended that the cluster still knows of. */
  readonly ended: number
}

/** What programs and runners of one cluster have in common. */
export interface ClusterOptions {
  /** `postgres://user:password@host:5432/database`; its tables are made where they are not there. */
  readonly databaseUrl: string
  /**
   * The folder for results above 1 MB, which all machines must share; by default they go into the database. A worker writes
   * its own there, within the time of its job.
   */
  readonly resultFolder?: string
}

/** See {@link layer}. */
export interface Options extends ClusterOptions {
  /**
   * How many jobs of this program can run at the same time, by default as many as the cluster has workers. `Executor.map`
   * takes it as it is when the Stream begins: where runners are to join, give it a `concurrency`.
   */
  readonly maxWorkers?: number
  /**
   * A name for the whole run, of at most 200 characters. A job without a `key` gets one: the name of the run, the job's
   * own, a hash of its input, and how many with the same input came before. The same run, started again, does what was not
   * finished, whatever the order. Jobs that share a message share a key, so `chunkSize` has to be a number for that.
   */
  readonly run?: string
  /** Runs a job again whose stored result is a failure, by default not. */
  readonly retryFailed?: boolean
}

/**
 * An executor whose workers are those of a cluster's runners. Fails with `ClusterUnavailable` if the database cannot be used
 * when the Layer is built; one that is away later is waited for.
 */
export const layer = (
  { retryFailed = false, ...options }: Options
): Layer.Layer<Executor, InvalidOptions | ClusterUnavailable> =>
  Layer.unwrap(Effect.gen(function*() {
    if (options.maxWorkers !== undefined) yield* checks.integer("maxWorkers", options.maxWorkers, 1)
    yield* checks.validateName("run", options.run)
    yield* checks.folder("resultFolder", options.resultFolder)
    yield* checks.boolean("retryFailed", retryFailed)
    const { layerClient } = yield* layers
    return layerClient({ ...options, retryFailed })
  }))

/** See {@link runner}. */
export interface RunnerOptions extends ClusterOptions, ThreadExecutor.Options {
  /** The jobs that this runner runs, each known by its name. */
  readonly jobs: ReadonlyArray<Job.Any>
  /** What this runner is called in records and in the cluster's status, by default its host's name and its process. */
  readonly address?: string
  /** How long jobs that run have to end when the runner stops; then other runners begin them anew. By default 10 seconds. */
  readonly drainTimeout?: Duration.Input
  /**
   * How often a runner with a free worker asks for a job of which nothing told it, by default every 200 milliseconds: it
   * hears of a new job at once, but not of one whose runner died. Each question costs the database about 0.3 ms.
   */
  readonly pollInterval?: Duration.Input
  /**
   * How long what ended jobs left behind is kept: replies, and results under a key. By default 7 days. The runners of one
   * cluster should agree on it.
   */
  readonly keepFor?: Duration.Input
}

/**
 * A runner, for as long as the Layer is up: jobs of the cluster on threads of this process. It takes no more jobs than it
 * has workers, at most 1000. When its scope closes it takes no more, and ends when the jobs that run have ended, or their
 * time is over.
 */
export const runner = (
  { drainTimeout = "10 seconds", keepFor = "7 days", pollInterval = "200 millis", ...options }: RunnerOptions
): Layer.Layer<never, InvalidOptions | ClusterUnavailable | WorkerStartError> =>
  Layer.unwrap(Effect.gen(function*() {
    yield* checks.uniqueNames(options.jobs)
    yield* checks.validateName("address", options.address)
    const { maxWorkers } = yield* checks.validate(options)
    yield* checks.integer("maxWorkers", maxWorkers, 1, workersPerRunner)
    yield* checks.folder("resultFolder", options.resultFolder)
    const durations = {
      drainTimeout: yield* checks.duration("drainTimeout", drainTimeout),
      keepFor: yield* checks.positiveDuration("keepFor", keepFor),
      pollInterval: yield* checks.positiveDuration("pollInterval", pollInterval)
    }
    const { layerRunner } = yield* layers
    return Layer.provide(
      layerRunner({ ...options, ...durations }),
      ThreadExecutor.layer(options)
    )
  }))

/** What the cluster does now. */
export const status = (options: Pick<ClusterOptions, "databaseUrl">): Effect.Effect<Status, ClusterUnavailable> =>
  Effect.flatMap(layers, ({ status }) => status(options))

/** Loaded when it is needed: a program that uses threads alone loads nothing of a database. */
const layers = Effect.promise(() => import("./internal/cluster/layers.ts"))
