/**
 * A job: one plain function that runs on a worker, type-checked on both sides of the thread.
 *
 * A job is known to its worker by the module that makes it and by its name, so it is made at the top level of a module.
 * This module loads nothing of Effect when it runs: a worker that is given a plain job starts as fast as a bare thread.
 */
import type { Effect } from "effect/Effect"
import type { Codec } from "effect/Schema"
import { inspect } from "node:util"
import * as registry from "./internal/registry.ts"

/** A function that runs on a worker, made with {@link make}. */
export interface Job<in Input, out A, out E = never> {
  /** URL of the module that makes the job; a worker imports it. */
  readonly module: string
  /** Unique within `module`. */
  readonly name: string
  readonly run: (input: Input, context: Context) => A | Promise<A> | Effect<A, E>
  /** How its values are written where they are sent instead of cloned. */
  readonly schemas?: Schemas<unknown, unknown, unknown>
}

/**
 * How a job's values are written and checked on their way to another machine, for what JSON cannot say: a Date, a Map, a
 * bigint, a number that may be infinite. Typed arrays need no schema; within one they are
 * `Schema.instanceOf(Float64Array, { toCodecJson: () => undefined })`. The worker itself decodes inputs and encodes results,
 * so that a job on a cluster is given true instances of classes. Threads and processes do not use schemas.
 */
export interface Schemas<out Input, out A, out E> {
  readonly input?: Codec<Input, unknown>
  readonly result?: Codec<A, unknown>
  readonly error?: Codec<E, unknown>
}

/** A {@link Job} of whatever types. */
export type Any = Job<never, unknown, unknown>

/** What a job is given beside its input. It serves one run of the job and no later one. */
export interface Context {
  /** Aborted when the caller no longer wants the result. For code that awaits; a busy loop asks `cancelled`. */
  readonly signal: AbortSignal
  /** True once the caller no longer wants the result: one atomic read, cheap enough for a loop. */
  readonly cancelled: () => boolean
  /**
   * A typed array of `length` zeros, for the job's result. It moves to the caller without being copied, and its memory
   * may be that of an earlier result that was read with `Executor.use`.
   *
   * Throws a `RangeError` where the array's own constructor does.
   */
  readonly allocate: <T extends TypedArray>(constructor: TypedArrayConstructor<T>, length: number) => T
  /** As `allocate`, but not zeroed: it may hold an earlier job's bytes. For a job that writes every element. */
  readonly allocateUnsafe: <T extends TypedArray>(constructor: TypedArrayConstructor<T>, length: number) => T
  /**
   * Returns `value`, whose `buffers` will move to the caller instead of being copied. The worker cannot use them after.
   */
  readonly transfer: <A>(value: A, buffers: ReadonlyArray<ArrayBuffer>) => A
  /** The worker that runs the job; no two workers of an executor ever share a number. */
  readonly workerId: number
}

/** Any of the language's typed arrays. */
export type TypedArray =
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint8ClampedArray<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float16Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>

/** `Float64Array` and its kin, as values. */
export interface TypedArrayConstructor<out T extends TypedArray> {
  new(lengthOrBuffer: number | ArrayBuffer): T
  readonly BYTES_PER_ELEMENT: number
}

/** What a job that returns `R` succeeds with. */
export type Success<R> = R extends Effect<infer A, unknown, never> ? A : Awaited<R>

/** What a job that returns `R` fails with; nothing for `any`, which would hide what an executor fails with. */
export type Failure<R> = 0 extends 1 & R ? never : R extends Effect<unknown, infer E, never> ? E : never

/** What a job may return of `R`: no Effect that needs services, which a worker does not have, and no Promise of one. */
type Returnable<R> = R extends Effect<infer _A, infer _E, infer Services>
  ? [Services] extends [never] ? R : "a job's Effect must need no services"
  : [Awaited<R>] extends [never] ? R
  : Awaited<R> extends Effect<infer _A, infer _E, infer _R> ? "a job must return an Effect itself, not a Promise of it"
  : R

/**
 * Makes a job of `run`, which returns a value, a Promise or an Effect that needs no services.
 *
 * Input and result are copied to and from the worker by the structured clone algorithm; an instance of a class arrives
 * as a plain object. A failure of the Effect arrives as the caller's typed failure; whatever is thrown or rejected, as
 * `JobThrew`. To another machine they are sent as JSON and bytes, or as `schemas` say.
 *
 * @throws TypeError when `meta` has no URL, as where a bundler made a script of a module, when `name` is empty or no
 * string, and when `run` is no function.
 * @example
 * ```ts
 * import { Job } from "effect-futures"
 *
 * export const square = Job.make(import.meta, "square", (n: number) => n * n)
 *
 * square.name // => "square"
 * ```
 */
export const make = <Input, R>(
  meta: { readonly url: string },
  name: string,
  run: (input: Input, context: Context) => R & Returnable<R>,
  schemas: Schemas<NoInfer<Input>, Success<R>, Failure<R>> = {}
): Job<Input, Success<R>, Failure<R>> => {
  if (typeof meta?.url !== "string") {
    throw new TypeError(`A job's module must be told by import.meta: received ${inspect(meta)}`)
  }
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`A job's name must be a non-empty string: received ${name === "" ? `""` : inspect(name)}`)
  }
  if (typeof run !== "function") {
    throw new TypeError(`Job "${name}" must be made of a function: received ${inspect(run)}`)
  }
  const job = { module: meta.url, name, run, schemas } as Job<Input, Success<R>, Failure<R>>
  registry.add(job)
  return job
}
