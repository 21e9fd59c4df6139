/**
 * Runs jobs somewhere else and hands their results back: the service, and all that follows from running one job.
 *
 * A program asks for an `Executor` and a Layer (`ThreadExecutor.layer`, `InlineExecutor.layer`) says where the workers
 * are. A Stream's own `mapEffect` with a `concurrency` is the pool; {@link map} is the same with several jobs a message.
 *
 * Every accepted job settles exactly once. Interrupting the fiber that waits for a job stops the job, and the
 * interruption returns when its worker is free.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type * as ExecutorError from "./ExecutorError.ts"
import * as jobStream from "./internal/jobStream.ts"
import type * as Job from "./Job.ts"

/** See the module's comment. */
export class Executor extends Context.Service<Executor, {
  /** How many jobs can run at the same time. */
  readonly maxWorkers: number
  /**
   * Runs `job` once for each input; the inputs go to one worker in one message or, if they take long, in several and to
   * others as well. Each has an Exit of its own, in the inputs' order. Jobs of one priority wait their turn, first in,
   * first out. Those that are measured to take microseconds are sent to busy workers, too, and there can pass one another
   * by a millisecond or two.
   */
  readonly execute: <Input, A, E>(
    job: Job.Job<Input, A, E>,
    inputs: ReadonlyArray<Input>,
    options?: ExecuteOptions
  ) => Effect.Effect<Settled<A, E>, ExecutorError.InvalidOptions>
  /** As the function {@link submit}. */
  readonly submit: <Input, A, E>(
    job: Job.Job<Input, A, E>,
    input: Input,
    options?: RunOptions
  ) => Effect.Effect<Fiber.Fiber<A, E | ExecutorError.ExecutorError>>
  /** As the Effect {@link stats}. */
  readonly stats: Effect.Effect<Stats>
  /** As the Effect {@link drain}. */
  readonly drain: Effect.Effect<void>
}>()("effect-futures/Executor") {}

/** How a job is run. */
export interface RunOptions {
  /**
   * Limits of time, each by its own clock: from acceptance until a worker has the job (`queued`); while it runs, once its
   * module is loaded (`running`; begins anew when it is run again); from acceptance to the end (`total`). The job that
   * passes one is stopped and fails with `DeadlineExceeded`. `Infinity` is none.
   */
  readonly deadline?: {
    readonly queued?: Duration.Input
    readonly running?: Duration.Input
    readonly total?: Duration.Input
  }
  /** How often the job is run again when its worker dies, by default never. For jobs that may be run twice. */
  readonly retryWorkerDeath?: number
  /** Higher goes first, by default 0. Every fourth job to start is the one that has waited longest. */
  readonly priority?: number
  /**
   * A name for this job with this input, of at most 200 characters. A cluster keeps the result under it: a job that was
   * finished under its key is not run again, whoever asks. One that waits or runs is shared: it keeps the limit `running`
   * and the `retryWorkerDeath` of who asked first, and is stopped when nobody who asked waits for it any more. Other
   * executors keep no results.
   */
  readonly key?: string
  /**
   * Buffers in the input that move to a worker thread instead of being copied; they are empty here as soon as the job is
   * sent. Not together with `retryWorkerDeath`, for what has moved cannot be sent again.
   */
  readonly transfer?: ReadonlyArray<ArrayBuffer>
}

/** How the inputs of one call are run. */
export interface ExecuteOptions extends RunOptions {
  /**
   * Keeps the inputs to one worker at a time, one after the other. By default, on threads, those that would wait behind a
   * long one are run by other workers meanwhile.
   */
  readonly oneByOne?: boolean
  /**
   * Ends with the first input that fails: those that have not ended are stopped, and their Exits are interruptions. By
   * default each runs to its own end; on a cluster, under a key, it always does.
   */
  readonly untilFailure?: boolean
}

/** What became of the items that were executed together. */
export interface Settled<out A, out E> {
  readonly exits: ReadonlyArray<Exit.Exit<A, E | ExecutorError.ExecutorError>>
  /** Wall time of one item, in milliseconds: to send its input, and to run, as its worker measured it. */
  readonly runMs: number
  /** Returns the buffers that came with the results to the workers; views of them are empty from then on. */
  readonly giveBack: () => void
}

/** The figures of an executor at one moment. */
export interface Stats {
  /** Workers alive, those that are starting included; never more than `maxWorkers`. */
  readonly workers: number
  /** Workers that run a job. */
  readonly busy: number
  /** Jobs accepted and not yet started. */
  readonly queued: number
  /** Jobs that succeeded. */
  readonly finished: number
  /** Jobs that ended in any other way, interrupted ones included. */
  readonly failed: number
  /** Workers that died of themselves. */
  readonly died: number
  /** Workers that were replaced after `maxJobsPerWorker` jobs. */
  readonly recycled: number
  /** How long the latest jobs waited for a worker. */
  readonly waitMs: Quantiles
  /** How long the latest jobs ran; a worker's first of a module counts the loading of that as well. */
  readonly runMs: Quantiles
  /** The share of the time since the start, of `maxWorkers` workers, that jobs ran which have ended. */
  readonly utilization: number
}

/** The median and two more, in milliseconds; zeros as long as there was nothing to measure. */
export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** What an executor tells of each job as it happens. Times are milliseconds since the Unix epoch. */
export type JobEvent =
  | { readonly _tag: "Submitted"; readonly id: number; readonly job: string; readonly at: number }
  | {
    readonly _tag: "Started"
    readonly id: number
    readonly workerId: number
    readonly at: number
    /** The address of the runner that runs it, on a cluster. */
    readonly runner?: string
  }
  | {
    readonly _tag: "Settled"
    readonly id: number
    readonly status: "succeeded" | "failed" | "interrupted"
    /** Undefined where the job did not get as far. */
    readonly workerId: number | undefined
    readonly startedAt: number | undefined
    readonly at: number
    /** CPU time of the worker's thread, where it is known; with several jobs in one message, their mean. */
    readonly cpuMs: number | undefined
    /** Bytes of the result's ArrayBuffers. */
    readonly resultBytes: number
    /** Why it failed, in a line or more. */
    readonly error: string | undefined
    /** Whether it ran in another process than this one, which does not count its CPU time. */
    readonly isElsewhere?: boolean
    /** The address of the runner that ran it, on a cluster. */
    readonly runner?: string
    /** Whether its result was there before it was asked for, under its key. */
    readonly isTakenOver?: boolean
  }

/**
 * Called with each event of the jobs that a program runs, in order. Jobs are numbered as they are accepted; no two jobs
 * of a process have the same number. What it throws nothing catches. None by default, and then nothing is measured for it.
 */
export const JobObserver = Context.Reference<((event: JobEvent) => void) | undefined>(
  "effect-futures/Executor/JobObserver",
  { defaultValue: () => undefined }
)

/**
 * Runs a job and succeeds with its result. Interrupting it stops the job.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Executor, InlineExecutor, Job } from "effect-futures"
 *
 * const square = Job.make(import.meta, "square", (n: number) => n * n)
 *
 * await Effect.runPromise(Executor.run(square, 7).pipe(Effect.provide(InlineExecutor.layer()))) // => 49
 * ```
 */
export const run = <Input, A, E>(
  job: Job.Job<Input, A, E>,
  input: Input,
  options?: RunOptions
): Effect.Effect<A, E | ExecutorError.ExecutorError, Executor> =>
  Executor.use((executor) => Effect.flatMap(executor.execute(job, [input], options), onlyExit))

const onlyExit = <A, E>({ exits }: Settled<A, E>) => exits[0]!

/**
 * Runs a job and lends its result to `f`: when the Effect that `f` returns has ended, the buffers that moved with the
 * result go back to the workers, which fill them again. A view that is kept longer is empty (its length is 0).
 */
export const use = <Input, A, E, B, E2, R2>(
  job: Job.Job<Input, A, E>,
  input: Input,
  f: (value: A) => Effect.Effect<B, E2, R2>,
  options?: RunOptions
): Effect.Effect<B, E | E2 | ExecutorError.ExecutorError, R2 | Executor> =>
  Executor.use((executor) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(executor.execute(job, [input], options)), (settled) =>
        // A failure is lent to nobody: its caller keeps it.
        Effect.flatMap(settled.exits[0]!, (value) =>
          Effect.ensuring(restore(Effect.suspend(() => f(value))), Effect.sync(settled.giveBack))))
    )
  )

/**
 * Hands a job over and returns at once: the Fiber is its future. Jobs of one priority start in the order in which they
 * were submitted.
 *
 * The job belongs to the executor: it goes on when the submitting fiber ends, and stops when the executor's scope
 * closes. An unbounded loop of `submit` is an unbounded queue; {@link map} pulls its source only when there is room.
 */
export const submit = <Input, A, E>(
  job: Job.Job<Input, A, E>,
  input: Input,
  options?: RunOptions
): Effect.Effect<Fiber.Fiber<A, E | ExecutorError.ExecutorError>, never, Executor> =>
  Executor.use((executor) => executor.submit(job, input, options))

/** How {@link map} and {@link mapExit} spread a Stream's items over the workers. */
export interface MapOptions {
  /** How many jobs may run at the same time, and how many messages be with the workers; by default `maxWorkers`. */
  readonly concurrency?: number
  /** Emits results as they come instead of in the order of the inputs. */
  readonly unordered?: boolean
  /**
   * How many items go to a worker in one message, by default 1; more than 1024 go in several. A number waits for that
   * many; "auto" sends what the source has at hand, up to a few milliseconds' work as measured on the items before. On
   * threads, items that stand behind one that takes long go to another worker, unless `concurrency` is below
   * `maxWorkers`. The results of a message are copied together, when they are sent: a job that returns the same object
   * again and again, changed, has to return copies of it.
   */
  readonly chunkSize?: number | "auto"
  /**
   * Starts no job while unread results hold this many bytes, counted in their ArrayBuffers. The first jobs, and a result
   * larger than any before, can pass the limit; one result is always let through, and so is one chunk of a given size.
   */
  readonly maxBufferedBytes?: number
}

/**
 * Runs `job` on each item of a Stream. The source is pulled only when there is room, so it may be endless.
 *
 * Fails with the first item that fails, as `Stream.mapEffect` does, and then stops the others. Fails with
 * `InvalidOptions` before it pulls anything when an option is out of range.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { Executor, InlineExecutor, Job } from "effect-futures"
 *
 * const square = Job.make(import.meta, "square", (n: number) => n * n)
 *
 * await Stream.range(1, 4).pipe(
 *   Executor.map(square, { concurrency: 2, chunkSize: 2 }),
 *   Stream.runCollect,
 *   Effect.provide(InlineExecutor.layer()),
 *   Effect.runPromise
 * ) // => [1, 4, 9, 16]
 * ```
 */
export const map = <Input, A, E>(job: Job.Job<Input, A, E>, options: MapOptions = {}) =>
<E2, R2>(
  inputs: Stream.Stream<Input, E2, R2>
): Stream.Stream<A, E | E2 | ExecutorError.ExecutorError, R2 | Executor> =>
  Stream.unwrap(Executor.use((executor) => jobStream.values(executor, job, options, inputs)))

/** As {@link map}, with each item's Exit in place of its result: an item that fails does not stop the others. */
export const mapExit = <Input, A, E>(job: Job.Job<Input, A, E>, options: MapOptions = {}) =>
<E2, R2>(
  inputs: Stream.Stream<Input, E2, R2>
): Stream.Stream<
  Exit.Exit<A, E | ExecutorError.ExecutorError>,
  E2 | ExecutorError.InvalidOptions,
  R2 | Executor
> => Stream.unwrap(Executor.use((executor) => jobStream.exits(executor, job, options, inputs)))

/** The figures of the executor, now. */
export const stats: Effect.Effect<Stats, never, Executor> = Executor.use((executor) => executor.stats)

/** Waits until every job that was accepted has settled, and so have those that were accepted meanwhile. */
export const drain: Effect.Effect<void, never, Executor> = Executor.use((executor) => executor.drain)
