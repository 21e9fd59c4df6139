/** Options and their checks: each names the option, what was received and what was expected. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { availableParallelism } from "node:os"
import { isArrayBuffer } from "node:util/types"
import type { ResourceLimits } from "node:worker_threads"
import type { ExecuteOptions } from "../Executor.ts"
import { InvalidOptions } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { isJob } from "./registry.ts"

/** The options that every executor with workers takes. */
export interface PoolOptions {
  /**
   * The most workers there can be at the same time, by default one for each core. Beside them others can be up that run
   * nothing and wait for a place: one for each worker that runs its last job, and one where running jobs are interrupted.
   */
  readonly maxWorkers?: number
  /**
   * Workers that are up before the layer is built and are kept, by default none: each starts when it is needed. The layer
   * fails with `WorkerStartError` if one of these cannot be started.
   */
  readonly minWorkers?: number
  /**
   * How long a running job that is interrupted has to stop by itself, which it can tell by `context.cancelled()` or
   * `context.signal`; then its worker is stopped. By default 10 milliseconds.
   */
  readonly cancelGrace?: Duration.Input
  /** How long a worker above `minWorkers` is kept that has nothing to do, by default for ever. */
  readonly idleTimeToLive?: Duration.Input
  /** A worker is replaced when it has run so many jobs, by default never; its replacement is up before it goes. */
  readonly maxJobsPerWorker?: number
  /** Run once in each worker before its first job, with no input. If it fails, the worker could not be started. */
  readonly setup?: Job.Job<undefined, unknown, unknown>
}

/** The options of workers that are threads or processes. */
export interface SpawnOptions {
  /** Limits of each worker in MiB, as Node's `resourceLimits`; they do not count ArrayBuffers. */
  readonly resourceLimits?: ResourceLimits
  /** Node's own flags for each worker, by default none: a loader that this process runs under is not inherited. */
  readonly execArgv?: ReadonlyArray<string>
  /** The `process.env` of each worker, by default a copy of this process's. What is undefined is left out. */
  readonly env?: Readonly<NodeJS.Dict<string>>
}

export const validate = Effect.fnUntraced(function*(
  {
    cancelGrace = "10 millis",
    idleTimeToLive = Duration.infinity,
    maxJobsPerWorker,
    maxWorkers = availableParallelism(),
    minWorkers = 0,
    setup
  }: PoolOptions
) {
  yield* integer("maxWorkers", maxWorkers, 1)
  yield* integer("minWorkers", minWorkers, 0, maxWorkers)
  if (maxJobsPerWorker !== undefined) yield* integer("maxJobsPerWorker", maxJobsPerWorker, 1)
  yield* expect("setup", setup, setup === undefined || isJob(setup), "a job, as Job.make makes it")
  return {
    maxWorkers,
    minWorkers,
    cancelGrace: yield* duration("cancelGrace", cancelGrace),
    idleTimeToLive: yield* duration("idleTimeToLive", idleTimeToLive),
    maxJobsPerWorker: maxJobsPerWorker ?? Infinity,
    setup
  }
})

/** With less Node ends as a whole. */
const leastLimits = {
  maxOldGenerationSizeMb: 4,
  maxYoungGenerationSizeMb: 0,
  codeRangeSizeMb: 0,
  stackSizeMb: 0.5
} satisfies ResourceLimits

/** So does it with more than there are addresses for; no machine has as much memory. */
const mostMb = 2 ** 22

/** What is left out stays so, but for the flags. */
export const validateSpawn = Effect.fnUntraced(function*({ env, execArgv = [], resourceLimits }: SpawnOptions) {
  const areStrings = Array.isArray(execArgv) && execArgv.every((flag) => typeof flag === "string")
  yield* expect("execArgv", execArgv, areStrings, "an array of strings")
  for (const [option, value] of Object.entries({ env, resourceLimits })) {
    yield* expect(option, value, value === undefined || typeof value === "object" && value !== null, "an object")
  }
  for (const limit of Object.keys(leastLimits) as Array<keyof typeof leastLimits>) {
    const value = resourceLimits?.[limit]
    const isEnough = value === undefined || Number.isFinite(value) && value >= leastLimits[limit]
    yield* expect(`resourceLimits.${limit}`, value, isEnough, `a number of at least ${leastLimits[limit]}`)
    yield* expect(`resourceLimits.${limit}`, value, !(value! > mostMb), `a number of at most ${mostMb}`)
  }
  // A thread would be given the word "undefined".
  const given = env && Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
  return { env: given, execArgv, resourceLimits }
})

/** Each job that has options goes through it, so what is right makes few Effects. */
export const validateRun = Effect.fnUntraced(
  function*(
    {
      deadline = {},
      key,
      oneByOne = false,
      priority = 0,
      retryWorkerDeath = 0,
      transfer = [],
      untilFailure = false
    }: ExecuteOptions
  ) {
    if (typeof deadline !== "object" || deadline === null || !Object.keys(deadline).every(isClock)) {
      const expected = "an object of queued, running or total"
      return yield* new InvalidOptions({ option: "deadline", value: deadline, expected })
    }
    if (!Number.isFinite(priority)) {
      return yield* new InvalidOptions({ option: "priority", value: priority, expected: "a finite number" })
    }
    const queued = yield* limit("deadline.queued", deadline.queued)
    const running = yield* limit("deadline.running", deadline.running)
    const total = yield* limit("deadline.total", deadline.total)
    if (!Array.isArray(transfer) || !transfer.every(isArrayBuffer)) {
      return yield* new InvalidOptions({ option: "transfer", value: transfer, expected: "an array of ArrayBuffers" })
    }
    if (transfer.length > 0 && retryWorkerDeath > 0) {
      const expected = "0 with transfer, for what has moved cannot be sent again"
      return yield* new InvalidOptions({ option: "retryWorkerDeath", value: retryWorkerDeath, expected })
    }
    return {
      transfer: [...new Set(transfer)],
      deadline: queued ?? running ?? total ? { queued, running, total } : undefined,
      retryWorkerDeath: yield* integer("retryWorkerDeath", retryWorkerDeath, 0),
      priority,
      key: yield* validateName("key", key),
      oneByOne,
      untilFailure
    }
  }
)

const isClock = (name: string) => ["queued", "running", "total"].includes(name)

/** What a database can keep as a name. */
export const validateName = (option: string, value: string | undefined) => {
  const problem = value === undefined ? undefined : nameProblem(value)
  return problem === undefined
    ? Effect.succeed(value)
    : Effect.fail(new InvalidOptions({ option, value, expected: problem }))
}

export const validateJobName = ({ name }: Job.Any) => validateName("a job's name", name)

const nameProblem = (value: string) => {
  if (typeof value !== "string") return "a string"
  if (!value.isWellFormed()) return "of whole characters: this one has half of a pair"
  return value.length > 0 && value.length <= 200 && !value.includes("\0")
    ? undefined
    : "of 1 to 200 characters, none of them NUL"
}

export const boolean = (option: string, value: boolean) =>
  expect(option, value, typeof value === "boolean", "true or false")

/** A path to a folder, where there is one. */
export const folder = (option: string, value: string | undefined) =>
  expect(option, value, value === undefined || typeof value === "string" && value !== "", "a path")

/** Jobs that are known by their names alone. */
export const uniqueNames = Effect.fnUntraced(function*(jobs: ReadonlyArray<Job.Any>) {
  yield* expect("jobs", jobs, Array.isArray(jobs) && jobs.every(isJob), "an array of jobs")
  const names = jobs.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  yield* expect("jobs", twice, twice === undefined, "of names that are all different")
  yield* Effect.forEach(jobs, validateJobName, { discard: true })
})

/** Not negative; `Infinity` is a duration, and `NaN`, also as a part, which Effect takes for none at all, is not. */
export const duration = (option: string, value: Duration.Input) =>
  durationThat(option, value, Duration.isGreaterThanOrEqualTo(Duration.zero), "a duration of at least 0")

/** As {@link duration}, and not 0. */
export const positiveDuration = (option: string, value: Duration.Input) =>
  durationThat(option, value, Duration.isGreaterThan(Duration.zero), "a duration above 0")

const durationThat = (
  option: string,
  value: Duration.Input,
  isExpected: (duration: Duration.Duration) => boolean,
  expected: string
) =>
  Option.filter(Duration.fromInput(value), (duration) => !hasNaN(value) && isExpected(duration)).pipe(
    Effect.fromOption,
    Effect.mapError(() => new InvalidOptions({ option, value, expected }))
  )

const hasNaN = (value: Duration.Input) =>
  typeof value === "object" ? Object.values(value).some(Number.isNaN) : Number.isNaN(value)

/** Undefined where there is none. */
const limit = (option: string, value: Duration.Input | undefined) =>
  value === undefined
    ? Effect.undefined
    : Effect.map(duration(option, value), (limit) => Duration.isFinite(limit) ? limit : undefined)

export const integer = (option: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER) =>
  Number.isSafeInteger(value) && value >= min && value <= max
    ? Effect.succeed(value)
    : Effect.fail(new InvalidOptions({ option, value, expected: expectedInteger(min, max) }))

const expectedInteger = (min: number, max: number) =>
  max < Number.MAX_SAFE_INTEGER
    ? `an integer from ${min} to ${max}`
    : min === 1
    ? "a positive integer"
    : `an integer of at least ${min}`

/** The value of an option, if it is as it should be: `expected` says how that is. */
export const expect = <A>(option: string, value: A, isAsExpected: boolean, expected: string) =>
  isAsExpected ? Effect.succeed(value) : Effect.fail(new InvalidOptions({ option, value, expected }))
