/**
 * What an executor and its workers say to one another, inside the two-element messages of Effect's `WorkerPlatform`:
 * `[0, ToWorker]` and the closing `[1]` one way, the opening `[0]` and `[1, FromWorker]` the other.
 */
import type { SpanKind } from "effect/Tracer"
import type { Written } from "./cluster/storing.ts"

export type ToWorker =
  /** First of all. `slots` is the memory of `Slots`, where the two can share memory. */
  | {
    readonly _tag: "Init"
    readonly workerId: number
    readonly slots: SharedArrayBuffer | undefined
    /** Whether there is a core for it to stay awake on. */
    readonly spins: boolean
    /** The executor's, where the worker would have another. */
    readonly clockOffset: number | undefined
    /** The job to run before any other, without input. */
    readonly setup: unknown
  }
  /** Run `job` once for each input, one after the other, after what was sent before. */
  | {
    readonly _tag: "Run"
    /** The number of the first item; the others follow. No two items of a worker have the same. */
    readonly id: number
    readonly job: unknown
    readonly inputs: ReadonlyArray<unknown>
    /** Whether the items belong to one caller, so that their results may come together. */
    readonly together: boolean
    /** Whether those after one that fails are not to be run. */
    readonly untilFailure: boolean
    /** Buffers to fill again. */
    readonly spares: ReadonlyArray<ArrayBuffer>
    /** Whether somebody looks at what each run cost. */
    readonly observed: boolean
    /** Whether the caller has a span, which those of the job belong to. */
    readonly traced: boolean
    /** Whether somebody waits to hear that the first of them begins. */
    readonly limited: boolean
    /** Where inputs and results are as a cluster sends them. */
    readonly asSent: AsSent | undefined
  }
  /** There are inputs in the slots, for the job of the message before. */
  | { readonly _tag: "Given" }
  /** Nobody waits for these items any more. */
  | { readonly _tag: "Cancel"; readonly first: number; readonly last: number }

export type FromWorker =
  /** The setup, if there is one, is done. */
  | { readonly _tag: "Ready" }
  | { readonly _tag: "SetupFailed"; readonly reason: string }
  /** The item begins, its job has been loaded. */
  | { readonly _tag: "Begun"; readonly id: number }
  /** There are results in the slots. */
  | { readonly _tag: "Progress" }
  /** What an earlier job has left behind keeps it from what it was sent, and it will begin none of that. */
  | { readonly _tag: "HeldUp" }
  /** Nothing caught that error, of which its process ends. */
  | { readonly _tag: "Uncaught"; readonly error: string }
  | Unread
  | Settled

/** What a cluster's runner asks of a job. */
export interface AsSent {
  /** The file for the result of a single item, where that has large buffers. */
  readonly file: string | undefined
}

/** Of what was sent, an input or a result could not be read; on that side nothing tells of which item it is. */
export interface Unread {
  readonly _tag: "Unread"
  readonly side: "input" | "result"
  readonly reason: string
}

/** What became of the item `id` and those that follow it. */
export interface Settled {
  readonly _tag: "Settled"
  readonly id: number
  readonly outcomes: ReadonlyArray<Outcome>
  /** The buffers that moved with the outcomes. */
  readonly buffers: ReadonlyArray<ArrayBuffer>
  /** Times are milliseconds since the Unix epoch, to the microsecond. */
  readonly startedAt: number
  readonly returnedAt: number
  /** Where somebody looks. */
  readonly cost: Cost | undefined
  /** The spans that ended in the job, where it is traced. */
  readonly spans: ReadonlyArray<EndedSpan> | undefined
}

/** How one run of a job ended. */
export type Outcome =
  | { readonly _tag: "Succeeded"; readonly value: unknown }
  /** The value is in the file of `asSent`. */
  | ({ readonly _tag: "Stored"; readonly resultBytes: number } & Written)
  /** The Effect that the job returned failed; `error` went through `encodeError`. */
  | { readonly _tag: "Failed"; readonly error: unknown }
  | { readonly _tag: "Threw"; readonly thrown: Thrown }
  | { readonly _tag: "NotFound"; readonly reason: string }
  | { readonly _tag: "NotCloned"; readonly side: "input" | "result"; readonly reason: string }

/** Whatever was thrown, as strings. */
export interface Thrown {
  readonly name: string
  readonly message: string
  readonly stack: string
}

/** A span that ended in a worker; times are nanoseconds since the Unix epoch. */
export interface EndedSpan {
  readonly spanId: string
  readonly parentId: string | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly startTime: bigint
  readonly endTime: bigint
  readonly attributes: ReadonlyArray<readonly [string, unknown]>
  /** Why it failed. */
  readonly error: string | undefined
}

export interface Cost {
  /** CPU time of the worker's own thread in milliseconds, where this Node can tell. */
  readonly cpuMs: number | undefined
  /** Bytes of the ArrayBuffers in each result. */
  readonly resultBytes: ReadonlyArray<number>
}
