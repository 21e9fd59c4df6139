/** What is to be done to a database that may be away for a while. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import type { PersistedQueueError } from "effect/persistence/PersistedQueue"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { isSqlError, type SqlError } from "effect/sql/SqlError"

type Away = SqlError | PersistedQueueError

/** Tries again until the database has done it, and says when that takes long; it must be such that it may be done twice. */
export const persist = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Exclude<E, Away>, R> =>
  failingAway(effect).pipe(
    Effect.retry({ while: isAway, schedule: patience })
    // The types do not tell that this leaves no error that is away.
  ) as never

/** Fails where Effect takes for a defect that the database is away, as in a transaction that cannot be rolled back then. */
export const failingAway = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Away, R> =>
  Effect.catchDefect(effect, (defect) => isAway(defect) ? Effect.fail(defect) : Effect.die(defect))

/**
 * What `effect` comes to in real time, or nothing. What has not ended by then is interrupted, and not waited for: where
 * the network is silent that could take for ever.
 */
export const within = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Input
): Effect.Effect<Option.Option<A>, E, R> =>
  Effect.flatMap(
    Effect.forkDetach(effect, { startImmediately: true }),
    (fiber) =>
      Effect.timeoutOption(Fiber.join(fiber), duration).pipe(
        Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
      )
  ).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

const isAway = (error: unknown): error is Away => isSqlError(error) || Predicate.isTagged(error, "PersistedQueueError")

/** Five times a second; says why after 5 seconds, and then each minute. */
const patience = Schedule.spaced("200 millis").pipe(
  Schedule.tap(({ attempt, input }) =>
    attempt % 300 === 25
      ? Effect.logWarning(`The cluster's database does not do what it is asked to: ${reasonOf(input)}. Trying again.`)
      : Effect.void
  )
)

/** What the server said is the last of the causes; the queue's is an Effect's. */
export const reasonOf = (error: unknown): string =>
  Cause.isCause(error)
    ? reasonOf(Cause.squash(error))
    : error instanceof Error && error.cause !== undefined
    ? reasonOf(error.cause)
    : error instanceof Error
    ? error.message
    : String(error)
