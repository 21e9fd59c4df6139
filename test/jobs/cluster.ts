/** Jobs for runners, which share notes with the test and no memory. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { threadId } from "node:worker_threads"
import * as Job from "../../lib/Job.ts"
import * as Notes from "./notes.ts"

/** A busy loop of so many milliseconds, that notes its beginning and its end. */
export const spin = Job.make(
  import.meta,
  "spin",
  ({ label, ms, notes }: { readonly notes: Notes.Notes; readonly label: number; readonly ms: number }) => {
    Notes.write(notes, `begin ${label} ${process.pid}`)
    for (const end = performance.now() + ms; performance.now() < end;);
    Notes.write(notes, `end ${label} ${process.pid}`)
    return { label, pid: process.pid }
  }
)

/** Waits at the gate. */
export const hold = Job.make(
  import.meta,
  "hold",
  async ({ label, notes }: { readonly notes: Notes.Notes; readonly label: string }, context) => {
    context.signal.addEventListener("abort", () => Notes.write(notes, `abort ${label}`))
    Notes.write(notes, `begin ${label}`)
    await Notes.atGate(notes)
    Notes.write(notes, `end ${label}`)
    return label
  }
)

/** Never ends, and listens to nobody. */
export const busy = Job.make(import.meta, "busy", (notes: Notes.Notes): void => {
  Notes.write(notes, `begin ${process.pid} ${threadId}`)
  while (true);
})

/** Fails below zero, and never ends otherwise. */
export const failBelowZero = Job.make(import.meta, "failBelowZero", (n: number) => {
  if (n < 0) throw new RangeError(`${n} is below 0`)
  return new Promise<never>(() => {})
})

/** Ends the whole process of its runner. */
export const endProcess = Job.make(import.meta, "endProcess", (notes: Notes.Notes): void => {
  Notes.write(notes, "begin")
  process.kill(process.pid, "SIGKILL")
  while (true);
})

/** So many bytes; ends its worker for none. */
export const bytesOrExit = Job.make(
  import.meta,
  "bytesOrExit",
  (count: number) => count === 0 ? process.exit(1) : new Uint8Array(count)
)

/** Fails until the gate is open. */
export const failUntilOpen = Job.make(import.meta, "failUntilOpen", (notes: Notes.Notes) => {
  Notes.write(notes, "begin")
  if (!Notes.isGateOpen(notes)) throw new Error("not yet")
  return "done"
})

const Event = Schema.Struct({
  at: Schema.Date,
  tags: Schema.ReadonlySet(Schema.String),
  size: Schema.BigInt,
  values: Schema.instanceOf(Float64Array, { toCodecJson: () => undefined })
})

/** Takes and gives what JSON cannot say. */
export const nextDay = Job.make(
  import.meta,
  "nextDay",
  (event: typeof Event.Type) => ({ ...event, at: new Date(event.at.getTime() + 86_400_000) }),
  { input: Event, result: Event }
)

class Day extends Schema.Class<Day>("Day")({ at: Schema.Date }) {
  get weekday() {
    return this.at.getUTCDay()
  }
}

/** Gives instances of a class. */
export const week = Job.make(
  import.meta,
  "week",
  (ms: number) => ({ first: new Day({ at: new Date(ms) }), rest: [new Day({ at: new Date(ms + 86_400_000) })] }),
  { result: Schema.Struct({ first: Day, rest: Schema.mutable(Schema.Array(Day)) }) }
)

const Plan = Schema.Struct({
  after: Schema.Duration,
  next: Schema.Option(Day),
  none: Schema.Option(Schema.String),
  days: Schema.ReadonlyMap(Schema.String, Day)
})

/** Takes and gives what is no more than its fields once it was cloned; works with it as what it is. */
export const replan = Job.make(
  import.meta,
  "replan",
  ({ after, days, next, none }: typeof Plan.Type): typeof Plan.Type => ({
    after: Duration.times(after, 2),
    next: Option.filter(next, ({ weekday }) => weekday === 4),
    none,
    days: new Map([...days].map(([name, day]) => [`${name} ${day.weekday}`, day]))
  }),
  { input: Plan, result: Plan }
)

class Refused extends Schema.TaggedError<Refused>()("Refused", { at: Schema.Date, size: Schema.BigInt }) {}

/** Fails with what JSON cannot say. */
export const refuse = Job.make(
  import.meta,
  "refuse",
  (ms: number) => Effect.fail(new Refused({ at: new Date(ms), size: 2n ** 70n })),
  { error: Refused }
)

/** Fails with what JSON cannot say, and has no schema for it. */
export const refusePlainly = Job.make(import.meta, "refusePlainly", (ms: number) => Effect.fail({ at: new Date(ms) }))

/** Its schema does not let an array go as it is. */
export const bytesBySchema = Job.make(
  import.meta,
  "bytesBySchema",
  (): { readonly bytes: Uint16Array } => ({ bytes: new Uint16Array(1) }),
  { result: Schema.Struct({ bytes: Schema.instanceOf(Uint16Array) }) }
)

/** A text of so many times four bytes. */
export const longText = Job.make(import.meta, "longText", (count: number) => "text".repeat(count))

/** So many zeros. */
export const zeros = Job.make(import.meta, "zeros", (count: number) => Array.from({ length: count }, () => 0))

/** Its name is known to the program, and to no runner. */
export const unknown = Job.make(import.meta, "unknown", () => {})
