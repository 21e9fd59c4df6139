/**
 * What can go wrong with a job besides the job's own typed failure. Each error costs the one job that it names.
 */
import * as Schema from "effect/Schema"
import { inspect } from "node:util"

/**
 * The worker died while it ran the job: it exited, threw outside the job's call, or was out of memory. What an earlier
 * job left behind there, such as a timer, may have done it.
 */
export class WorkerDied extends Schema.TaggedError<WorkerDied>()("WorkerDied", {
  job: Schema.String,
  workerId: Schema.Int,
  /** As the thread or process left it; undefined where there was none. */
  exitCode: Schema.UndefinedOr(Schema.Int),
  reason: Schema.String,
  /** How many times the job was tried. */
  attempt: Schema.Int
}) {
  override get message() {
    const tried = this.attempt === 1 ? "" : ` on attempt ${this.attempt}`
    return `Worker ${this.workerId} died while running job "${this.job}"${tried}: ${this.reason}`
  }
}

/** A worker could not be started, so the jobs that waited for one fail; a later job tries again. */
export class WorkerStartError extends Schema.TaggedError<WorkerStartError>()("WorkerStartError", {
  workerId: Schema.Int,
  exitCode: Schema.UndefinedOr(Schema.Int),
  reason: Schema.String
}) {
  override get message() {
    return `Worker ${this.workerId} could not be started: ${this.reason}`
  }
}

/**
 * The worker found no such job: its module cannot be imported, does not make it, or has it run when it is imported. On a
 * cluster: the runner was not given the job, or has another version of its module.
 */
export class JobNotFound extends Schema.TaggedError<JobNotFound>()("JobNotFound", {
  job: Schema.String,
  module: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `Job "${this.job}" was not found in ${this.module}: ${this.reason}`
  }
}

/**
 * The job threw or rejected. `name`, `message` and `stack` are those of what was thrown, in the worker; its causes, and
 * the errors of an AggregateError, are at the end of `stack`. What was thrown may be no Error: then `name` is its type.
 */
export class JobThrew extends Schema.TaggedError<JobThrew>()("JobThrew", {
  job: Schema.String,
  name: Schema.String,
  message: Schema.String,
  stack: Schema.String
}) {}

/**
 * The input or result is what the structured clone algorithm cannot copy, such as a function or what is nested too deep.
 * On a cluster: what neither JSON nor the job's schemas can say, or what cannot be stored.
 */
export class CloneError extends Schema.TaggedError<CloneError>()("CloneError", {
  job: Schema.String,
  side: Schema.Literals(["input", "result"]),
  reason: Schema.String
}) {
  override get message() {
    return `The ${this.side} of job "${this.job}" cannot be cloned: ${this.reason}`
  }
}

/** A time limit passed: the job's own, by the clock that it names. */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  job: Schema.String,
  clock: Schema.Literals(["queued", "running", "total"]),
  limitMs: Schema.Finite
}) {
  override get message() {
    return `Job "${this.job}" passed its deadline: ${this.limitMs} ms ${this.clock}`
  }
}

/** A job was handed to the executor that it runs on: if all workers did so, each would wait for the others for ever. */
export class WouldDeadlock extends Schema.TaggedError<WouldDeadlock>()("WouldDeadlock", {
  job: Schema.String
}) {
  override get message() {
    return `Job "${this.job}" was handed to an executor by a job that this executor runs: expected another executor`
  }
}

/** An option is out of range; nothing was started. */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>()("InvalidOptions", {
  option: Schema.String,
  value: Schema.Unknown,
  expected: Schema.String
}) {
  override get message() {
    return `${this.option} must be ${this.expected}: received ${show(this.value)}`
  }
}

const show = (value: unknown) =>
  typeof value === "string" ? JSON.stringify(value) : inspect(value, { breakLength: Infinity, depth: 0 })

/** The job ended on a cluster, and its result cannot be had: it was removed, too old, or is not what was written. */
export class ResultLost extends Schema.TaggedError<ResultLost>()("ResultLost", {
  job: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The result of job "${this.job}" is lost: ${this.reason}`
  }
}

/** The database of a cluster cannot be used; nothing was started. */
export class ClusterUnavailable extends Schema.TaggedError<ClusterUnavailable>()("ClusterUnavailable", {
  /** Where it is, without the password. */
  database: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The cluster's database at ${this.database} cannot be used: ${this.reason}`
  }
}

/** Whatever `Executor.run` can fail with besides the job's own failure. */
export type ExecutorError =
  | WorkerDied
  | WorkerStartError
  | JobNotFound
  | JobThrew
  | CloneError
  | DeadlineExceeded
  | WouldDeadlock
  | ResultLost
  | InvalidOptions

/** The union as a Schema. */
export const ExecutorError = Schema.Union([
  WorkerDied,
  WorkerStartError,
  JobNotFound,
  JobThrew,
  CloneError,
  DeadlineExceeded,
  WouldDeadlock,
  ResultLost,
  InvalidOptions
])
