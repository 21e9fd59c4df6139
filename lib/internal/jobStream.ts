/** `Executor.map` and `Executor.mapExit`: a Stream's items in chunks, through a bounded number of workers. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Take } from "effect/Take"
import type { Executor, MapOptions, Settled } from "../Executor.ts"
import type { ExecutorError, InvalidOptions } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { bytesIn } from "./buffers.ts"
import * as checks from "./options.ts"

type Exits<A, E> = Settled<A, E>["exits"]

/** Each item's Exit. */
export const exits = Effect.fnUntraced(function*<Input, A, E, E2, R2>(
  executor: Executor["Service"],
  job: Job.Job<Input, A, E>,
  mapOptions: MapOptions,
  inputs: Stream.Stream<Input, E2, R2>
) {
  const valid = yield* validate(executor, mapOptions)
  return (yield* executeChunks(executor, job, valid, inputs, Effect.succeed)).pipe(Stream.flattenIterable)
})

/** Each item's result, up to the first failure. */
export const values = Effect.fnUntraced(function*<Input, A, E, E2, R2>(
  executor: Executor["Service"],
  job: Job.Job<Input, A, E>,
  mapOptions: MapOptions,
  inputs: Stream.Stream<Input, E2, R2>
) {
  const valid = yield* validate(executor, mapOptions)
  // In order and side by side, a failure does not wait for the items before it.
  const failsAtOnce = !valid.unordered && valid.concurrency > 1
  const check = (items: Exits<A, E>): Effect.Effect<Exits<A, E>, E | ExecutorError> => {
    const failure = failureIn(items)
    if (failure === undefined) return Effect.succeed(items)
    if (failsAtOnce) return Exit.failCause(failure.cause)
    // Whichever of them is read first tells it.
    return Effect.succeed(items.map((exit) => Exit.isFailure(exit) ? failure : exit))
  }
  return (yield* executeChunks(executor, job, valid, inputs, check, true)).pipe(
    Stream.map(toTakes),
    Stream.flattenIterable,
    Stream.flattenTake
  )
})

const executeChunks = Effect.fnUntraced(function*<Input, A, E, E2, R2, E3>(
  executor: Executor["Service"],
  job: Job.Job<Input, A, E>,
  { chunkSize, concurrency, maxBufferedBytes, unordered }: Valid,
  inputs: Stream.Stream<Input, E2, R2>,
  check: (exits: Exits<A, E>) => Effect.Effect<Exits<A, E>, E3>,
  untilFailure = false
): Effect.fn.Return<Stream.Stream<Exits<A, E>, E2 | E3 | InvalidOptions, R2>, never, Scope.Scope> {
  const budget = maxBufferedBytes === undefined ? undefined : new ByteBudget(maxBufferedBytes)
  const size = new ChunkSize(budget)
  // A chunk that goes to several workers is several jobs at the same time.
  const oneByOne = concurrency < executor.maxWorkers
  const runOptions = chunkSize !== 1 && (oneByOne || untilFailure) ? { oneByOne, untilFailure } : undefined
  const chunks = chunkSize === "auto" ? atHand(inputs, size) : Stream.grouped(inputs, chunkSize)
  // Stream.mapEffect can begin one more while it ends, and does not wait for that.
  const atWork = Semaphore.makeUnsafe(concurrency)
  yield* Effect.addFinalizer(() => atWork.take(concurrency))
  const execute = (chunk: ReadonlyArray<Input>) =>
    Effect.flatMap(atWork.withPermit(executor.execute(job, chunk, runOptions)), (settled) => {
      if (settled.runMs > 0) size.measured(settled.runMs)
      return check(settled.exits)
    })
  if (budget === undefined) return Stream.mapEffect(chunks, execute, { concurrency, unordered })

  return chunks.pipe(
    Stream.mapEffect((chunk) => budget.spend(chunk.length, execute(chunk)), { concurrency, unordered }),
    Stream.map(apartFromLast),
    Stream.flattenIterable,
    Stream.mapEffect(({ giveBack, result }) => Effect.as(giveBack, result))
  )
})

/** The first that failed: not one that was interrupted because another had failed. */
const failureIn = <A, E>(items: ReadonlyArray<Exit.Exit<A, E>>): Exit.Failure<A, E> | undefined => {
  const failures = items.filter(Exit.isFailure)
  return failures.find(({ cause }) => !Cause.hasInterruptsOnly(cause)) ?? failures[0]
}

/** The exits as one array of values and, where one failed, the failure that ends the Stream. */
const toTakes = <A, E>(items: ReadonlyArray<Exit.Exit<A, E>>): Array<Take<A, E>> => {
  const succeeded: Array<A> = []
  for (const exit of items) {
    if (Exit.isFailure(exit)) return [...nonEmpty(succeeded), Exit.failCause(exit.cause)]
    succeeded.push(exit.value)
  }
  return nonEmpty(succeeded)
}

const nonEmpty = <A>(array: Array<A>): Array<Arr.NonEmptyReadonlyArray<A>> =>
  Arr.isReadonlyArrayNonEmpty(array) ? [array] : []

/** A chunk size that follows the measured time of one item, and what there is room for. */
class ChunkSize {
  static readonly #targetMs = 5
  static readonly #max = 1024
  readonly #budget: ByteBudget | undefined
  #itemMs: number | undefined

  constructor(budget: ByteBudget | undefined) {
    this.#budget = budget
  }

  /** In the geometric mean, where one slow item among quick ones counts for little. */
  measured(itemMs: number): void {
    this.#itemMs = this.#itemMs === undefined ? itemMs : this.#itemMs ** 0.7 * itemMs ** 0.3
  }

  get now(): number {
    if (this.#itemMs === undefined) return 1
    const most = Math.min(ChunkSize.#max, this.#budget?.items ?? Infinity)
    return Math.max(1, Math.min(most, Math.floor(ChunkSize.#targetMs / this.#itemMs)))
  }
}

/** Chunks of what the source has given already; never waits for more of it. */
const atHand = <A, E, R>(self: Stream.Stream<A, E, R>, size: ChunkSize): Stream.Stream<ReadonlyArray<A>, E, R> =>
  Stream.transformPull(self, (pull) =>
    Effect.sync(() => {
      let given: ReadonlyArray<A> = []
      let at = 0
      const next: typeof pull extends Effect.Effect<unknown, infer E3, infer R3>
        ? Effect.Effect<Arr.NonEmptyReadonlyArray<ReadonlyArray<A>>, E3, R3>
        : never = Effect.suspend(() => {
          if (at === given.length) {
            return Effect.flatMap(pull, (array) => {
              given = array
              at = 0
              return next
            })
          }
          const chunk = given.slice(at, at + size.now)
          at += chunk.length
          return Effect.succeed([chunk])
        })
      return next
    }))

/** Keeps the results that wait for a reader within a number of bytes, as far as their size can be foretold. */
class ByteBudget {
  readonly #max: number
  readonly #semaphore: Semaphore.Semaphore
  /** Who asks for room first gets it first: a small chunk ahead of a large one would wait for that to be read. */
  readonly #turn = Semaphore.makeUnsafe(1)
  /** Of the largest item so far, in the mean of its chunk. */
  #itemBytes = 0

  constructor(max: number) {
    this.#max = max
    this.#semaphore = Semaphore.makeUnsafe(max)
  }

  /** For how many items there is room. */
  get items(): number {
    return this.#max / this.#itemBytes
  }

  spend<A, E, R>(items: number, effect: Effect.Effect<ReadonlyArray<A>, E, R>) {
    return Effect.suspend(() => {
      const taken = Math.min(Math.ceil(items * this.#itemBytes), this.#max)
      const giveBack = this.#semaphore.release(taken)
      return this.#turn.withPermit(this.#semaphore.take(taken)).pipe(
        Effect.andThen(effect),
        Effect.map((result): Spent<A> => {
          this.#itemBytes = Math.max(this.#itemBytes, bytesIn(result) / items)
          return { result, giveBack }
        })
      )
    })
  }
}

interface Spent<A> {
  readonly result: ReadonlyArray<A>
  readonly giveBack: Effect.Effect<unknown>
}

/** What a chunk takes it gives back with its last item, when the others have been read. */
const apartFromLast = <A>({ giveBack, result }: Spent<A>): Array<Spent<A>> => [
  ...(result.length > 1 ? [{ result: result.slice(0, -1), giveBack: Effect.void }] : []),
  { result: result.slice(-1), giveBack }
]

type Valid = Effect.Success<ReturnType<typeof validate>>

const validate = Effect.fnUntraced(function*(executor: Executor["Service"], given: MapOptions) {
  const { chunkSize = 1, concurrency = executor.maxWorkers, maxBufferedBytes, unordered = false } = given
  yield* checks.integer("concurrency", concurrency, 1)
  if (typeof chunkSize === "number") yield* checks.integer("chunkSize", chunkSize, 1)
  else yield* checks.expect("chunkSize", chunkSize, chunkSize === "auto", `a positive integer or "auto"`)
  if (maxBufferedBytes !== undefined) yield* checks.integer("maxBufferedBytes", maxBufferedBytes, 1)
  yield* checks.boolean("unordered", unordered)
  return { chunkSize, concurrency, maxBufferedBytes, unordered }
})
