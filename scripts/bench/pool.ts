/** What the cases ask of a peer. */
import type * as jobs from "./jobs.js"

export type JobName = keyof typeof jobs & string

export interface Pool {
  /** Runs a job of `jobs.js`; `transfer` moves with the input. */
  readonly run: (job: JobName, input: unknown, transfer?: Array<ArrayBuffer>) => Promise<unknown>
}

/** How a case uses a pool; each peer's `open` makes of it the settings that are fastest for that. */
export interface Use {
  readonly workers: number
  /** How many jobs the caller keeps going at the same time. */
  readonly inFlight: number
}
