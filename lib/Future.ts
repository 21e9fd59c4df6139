/**
 * What `concurrent.futures` offers over a set of futures, for fibers: those of `Executor.submit` and any others.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { InvalidOptions } from "./ExecutorError.ts"
import * as checks from "./internal/options.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** A fiber that can be any of `F`, which are of several types where their jobs are. */
type OneOf<F> = Fiber.Fiber<
  F extends Fiber.Fiber<infer A, unknown> ? A : never,
  F extends Fiber.Fiber<unknown, infer E> ? E : never
>

/**
 * The fibers in the order in which they finish, each once, those that have finished already first.
 *
 * It lets go of a fiber before it emits it: a result lives as long as its reader holds it. That is why the Stream can
 * be read once only. Interrupting the reader leaves the fibers alone.
 *
 * @example
 * ```ts
 * import { Effect, Fiber, Stream } from "effect"
 * import { Future } from "effect-futures"
 *
 * const program = Effect.gen(function*() {
 *   const slow = yield* Effect.forkChild(Effect.delay(Effect.succeed("slow"), 20))
 *   const fast = yield* Effect.forkChild(Effect.succeed("fast"))
 *   return yield* Future.asCompleted([slow, fast]).pipe(Stream.mapEffect(Fiber.join), Stream.runCollect)
 * })
 *
 * await Effect.runPromise(program) // => ["fast", "slow"]
 * ```
 */
export const asCompleted = <F extends AnyFiber>(fibers: Iterable<F>): Stream.Stream<OneOf<F>> => {
  const pending = new Set(fibers as Iterable<OneOf<F>>)
  return Stream.unwrap(Effect.gen(function*() {
    const finished = yield* Queue.unbounded<OneOf<F>>()
    const observers = new Map<OneOf<F>, () => void>()
    let left = pending.size
    yield* Effect.addFinalizer(() => Effect.sync(() => observers.forEach((stop) => stop())))
    for (const fiber of pending) {
      pending.delete(fiber)
      observers.set(fiber, noop)
      const stop = fiber.addObserver(() => {
        observers.delete(fiber)
        Queue.offerUnsafe(finished, fiber)
      })
      if (observers.has(fiber)) observers.set(fiber, stop)
    }
    const take = (fiber: OneOf<F>) => {
      left--
      return [fiber] as const
    }
    return Stream.fromPull(
      Effect.succeed(
        Effect.suspend(() => left === 0 ? Cause.done() : Effect.map(Queue.take(finished), take))
      )
    )
  }))
}

const noop = () => {}

/** Until when {@link wait} waits, at the longest. */
export interface WaitOptions {
  /** By default "all". "firstFailure" takes an interruption for no failure. */
  readonly until?: "all" | "first" | "firstFailure"
  /** By default none. */
  readonly timeout?: Duration.Input
}

/**
 * Waits for some or all of the fibers, or until the timeout is over, and tells which are done and which are not, each
 * once, in the order given. It interrupts none of them, and fails only with `InvalidOptions`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Future } from "effect-futures"
 *
 * const program = Effect.gen(function*() {
 *   const never = yield* Effect.forkChild(Effect.never)
 *   const now = yield* Effect.forkChild(Effect.succeed("now"))
 *   const { done, pending } = yield* Future.wait([never, now], { until: "first" })
 *   return [done.length, pending.length]
 * })
 *
 * await Effect.runPromise(program) // => [1, 1]
 * ```
 */
export const wait = Effect.fnUntraced(function*<F extends AnyFiber>(
  fibers: Iterable<F>,
  waitOptions: WaitOptions = {}
): Effect.fn.Return<{ readonly done: Array<OneOf<F>>; readonly pending: Array<OneOf<F>> }, InvalidOptions> {
  const { timeout = Duration.infinity, until = "all" } = waitOptions
  const duration = yield* checks.duration("timeout", timeout)
  yield* checks.expect("until", until, Object.hasOwn(isEnough, until), `"all", "first" or "firstFailure"`)
  const all = [...new Set(fibers as Iterable<OneOf<F>>)]
  const isDone = (fiber: AnyFiber) => fiber.pollUnsafe() !== undefined

  yield* Effect.scoped(Effect.gen(function*() {
    const over = Deferred.makeUnsafe<void>()
    let left = all.length
    if (left === 0) return
    const observers = all.map((fiber) =>
      fiber.addObserver((exit) => {
        if (--left === 0 || isEnough[until](exit)) Deferred.doneUnsafe(over, Exit.void)
      })
    )
    yield* Effect.addFinalizer(() => Effect.sync(() => observers.forEach((stop) => stop())))
    yield* Deferred.await(over)
  })).pipe(Effect.timeoutOption(duration))

  return { done: all.filter(isDone), pending: all.filter((fiber) => !isDone(fiber)) }
})

/** Whether a fiber that ended so is reason to wait no longer. */
const isEnough: Record<NonNullable<WaitOptions["until"]>, (exit: Exit.Exit<unknown, unknown>) => boolean> = {
  all: () => false,
  first: () => true,
  firstFailure: (exit) => Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
}
