import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { runInNewContext } from "node:vm"
import * as Job from "../../lib/Job.ts"
import * as Board from "./board.ts"
import * as Notes from "./notes.ts"

const doNotLook = () => {
  throw new Error("do not look")
}

export class TooSmall
  extends Data.TaggedError("TooSmall")<{ readonly n: number; readonly limits: { readonly min: number } }>
{
  override get message() {
    return `${this.n} is below ${this.limits.min}`
  }
}

export class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Finite }) {}

export class Outer extends Data.TaggedError("Outer")<{ readonly cause: Odd }> {}

export class Uncloneable extends Data.TaggedError("Uncloneable")<{ readonly callback: () => void }> {}

/** Halves even numbers from 10 up. */
export const half = Job.make(import.meta, "half", (n: number) =>
  Effect.gen(function*() {
    if (n < 10) return yield* new TooSmall({ n, limits: { min: 10 } })
    if (n % 2 === 1) return yield* new Odd({ n })
    return n / 2
  }))

/** Fails with an Error where `n` is odd, or else returns its input. */
export const evenOnly = Job.make(
  import.meta,
  "evenOnly",
  (input: { readonly n: number }) => input.n % 2 === 0 ? Effect.succeed(input) : Effect.fail(new Odd(input))
)

export interface Ending {
  readonly notes: Notes.Notes
  readonly n: number
  readonly does: "succeed" | "fail" | "never end"
}

/** Notes that it runs, and ends as it is told. */
export const endAs = Job.make(import.meta, "endAs", ({ does, n, notes }: Ending) => {
  Notes.write(notes, `${n}`)
  return does === "never end" ? Effect.never : does === "fail" ? Effect.fail(new Odd({ n })) : Effect.succeed(n)
})

export const failPlain = Job.make(import.meta, "failPlain", (code: number) => Effect.fail({ code } as const))

/** Fails with an Error that has no message. */
export const failOdd = Job.make(import.meta, "failOdd", () => Effect.fail(new Odd({ n: 3 })))

/** Fails with an array that moves. */
export const failWithArray = Job.make(
  import.meta,
  "failWithArray",
  (n: number, context) => Effect.fail({ array: context.allocate(Uint8Array, 2).fill(n) })
)

export const failWithCause = Job.make(
  import.meta,
  "failWithCause",
  () => Effect.fail(new Outer({ cause: new Odd({ n: 3 }) }))
)

/** Fails with an error whose causes go in a circle. */
export const failInCircle = Job.make(import.meta, "failInCircle", () => {
  const error = new Error("first")
  error.cause = new Error("second", { cause: error })
  return Effect.fail(error)
})

/** Fails with errors within arrays, plain objects and errors. */
export const failWithMany = Job.make(import.meta, "failWithMany", () => {
  const odd = new Odd({ n: 3 })
  const all = new AggregateError([odd, new TooSmall({ n: 4, limits: { min: 10 } })], "all failed")
  const bytes = new Uint8Array([1, 2])
  return Effect.fail(
    {
      _tag: "Many",
      odd,
      again: odd,
      list: [{ all }],
      bytes,
      sameBytes: bytes,
      bare: Object.assign(Object.create(null) as { odd?: Odd }, { odd }),
      sparse: Array<number>(3)
    } as const
  )
})

/** Fails with an error of another realm, in which neither `Error` nor `Object` is this one's. */
export const failElsewhere = Job.make(
  import.meta,
  "failElsewhere",
  () => Effect.fail(runInNewContext(`Object.assign(new RangeError("elsewhere"), { code: 7 })`) as RangeError)
)

/** Fails with an error that cannot be looked at. */
export const failHostile = Job.make(import.meta, "failHostile", () => {
  const error = new Error("hidden")
  return Effect.fail(Object.defineProperty(error, "field", { get: doNotLook, enumerable: true }))
})

export const failUncloneable = Job.make(
  import.meta,
  "failUncloneable",
  () => Effect.fail(new Uncloneable({ callback: () => {} }))
)

/** Of a type that hides what it is. */
export const promiseOfEffect = Job.make(
  import.meta,
  "promiseOfEffect",
  (n: number): Promise<unknown> => Promise.resolve(Effect.succeed(n))
)

export const die = Job.make(import.meta, "die", () => Effect.die(new RangeError("out of range")))

/** Never ends; notes when it is interrupted. */
export const waitForever = Job.make(import.meta, "waitForever", (board: Board.Board) => {
  Board.enter(board, 0)
  return Effect.onInterrupt(Effect.never, () => Effect.sync(() => Board.leave(board)))
})

const unshowable = { toString: doNotLook, toJSON: doNotLook }

/** As `half`, in a span within a span. */
export const halfTraced = Job.make(
  import.meta,
  "halfTraced",
  (n: number) =>
    (n % 2 === 0 ? Effect.succeed(n / 2) : Effect.fail(new Odd({ n }))).pipe(
      Effect.withSpan("inner", { attributes: { n, odd: unshowable } }),
      Effect.withSpan("outer")
    )
)
