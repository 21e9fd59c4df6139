/** Options and their checks: each names the option, what was received and what was expected. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { availableParallelism } from "node:os"
import { InvalidOptions } from "../ExecutorError.ts"

/** The options that every executor with workers takes. */
export interface PoolOptions {
  /** The most workers there can be at the same time, by default one for each core. */
  readonly maxWorkers?: number
  /** Workers that are up before the layer is built and are kept, by default none: each starts when it is needed. */
  readonly minWorkers?: number
  /**
   * How long a running job that is interrupted has to stop by itself, which it can tell by `context.cancelled()` or
   * `context.signal`; then its worker is stopped. By default 10 milliseconds.
   */
  readonly cancelGrace?: Duration.Input
}

export const validate = Effect.fnUntraced(function*(options: PoolOptions) {
  const maxWorkers = yield* integer("maxWorkers", options.maxWorkers ?? availableParallelism(), 1)
  const minWorkers = yield* integer("minWorkers", options.minWorkers ?? 0, 0, maxWorkers)
  const cancelGrace = yield* duration("cancelGrace", options.cancelGrace ?? "10 millis")
  return { maxWorkers, minWorkers, cancelGrace }
})

/** Not negative; `Infinity` is a duration. */
export const duration = (option: string, value: Duration.Input) =>
  Option.filter(Duration.fromInput(value), Duration.isGreaterThanOrEqualTo(Duration.zero)).pipe(
    Effect.fromOption,
    Effect.mapError(() => new InvalidOptions({ option, value, expected: "a duration of at least 0" }))
  )

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
