/**
 * What an executor and its workers say to one another, inside the two-element messages of Effect's `WorkerPlatform`:
 * `[0, ToWorker]` and the closing `[1]` one way, the opening `[0]` and `[1, FromWorker]` the other.
 */
import type { SpanKind } from "effect/Tracer"

export type ToWorker =
  /** First of all. `cells` is memory shared with the executor, where there is such a thing. */
  | {
    readonly _tag: "Init"
    readonly workerId: number
    readonly cells: Int32Array | undefined
    /** The job to run before any other, without input. */
    readonly setup: unknown
  }
  /** Run `job` once for each input, one after the other; `spares` are buffers to fill again. */
  | {
    readonly _tag: "Run"
    /** No two messages to a worker have the same. */
    readonly id: number
    readonly job: unknown
    readonly inputs: ReadonlyArray<unknown>
    readonly spares: ReadonlyArray<ArrayBuffer>
    /** Whether somebody looks at what each run cost. */
    readonly observed: boolean
    /** Whether the caller has a span, which those of the job belong to. */
    readonly traced: boolean
  }
  /** Nobody waits for this run any more. */
  | { readonly _tag: "Cancel"; readonly id: number }

export type FromWorker =
  /** The setup, if there is one, is done. */
  | { readonly _tag: "Ready" }
  | { readonly _tag: "SetupFailed"; readonly reason: string }
  | Settled

export interface Settled {
  readonly _tag: "Settled"
  readonly id: number
  /** One for each input; fewer, but at least one, when the run was cancelled. */
  readonly outcomes: ReadonlyArray<Outcome>
  /** The buffers that moved with the outcomes. */
  readonly buffers: ReadonlyArray<ArrayBuffer>
  readonly measured: Measured
  /** The spans that ended in the job, where it is traced. */
  readonly spans: ReadonlyArray<EndedSpan>
}

/** How one run of a job ended. */
export type Outcome =
  | { readonly _tag: "Succeeded"; readonly value: unknown }
  /** The Effect that the job returned failed; `error` went through `encodeError`. */
  | { readonly _tag: "Failed"; readonly error: unknown }
  | { readonly _tag: "Threw"; readonly thrown: Thrown }
  | { readonly _tag: "NotFound"; readonly reason: string }
  | { readonly _tag: "NotCloned"; readonly reason: string }

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

/** Times are milliseconds since the Unix epoch, to the microsecond. */
export interface Measured {
  readonly startedAt: number
  readonly returnedAt: number
  /** CPU time of the worker's own thread, where observed and where this Node can tell. */
  readonly cpuMs: number | undefined
  /** Bytes of the ArrayBuffers in each result, where observed. */
  readonly resultBytes: ReadonlyArray<number>
}

/** The places in the cells that an executor shares with a worker. */
export const Cell = { cancelled: 0, item: 1, length: 2 } as const

/** Milliseconds since the Unix epoch, the same clock in every thread of a process. */
export const now = (): number => performance.timeOrigin + performance.now()
