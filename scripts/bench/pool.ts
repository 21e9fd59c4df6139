/** What the cases ask of a pool. */
import type * as jobs from "./jobs.js"

export type JobName = keyof typeof jobs

export interface Pool {
  /** Runs a job of `jobs.js`; an array that is said to move is not copied on its way there, where that can be. */
  readonly run: (job: JobName, input: unknown, moves?: "moves") => PromiseLike<unknown>
  /** The pool's own way to run a job for each of many inputs, where it has one. */
  readonly map?: (job: JobName, inputs: Array<unknown>) => Promise<unknown>
  /** Begins a job that never ends; what it returns stops it, on a pool that can. */
  readonly begin?: () => () => Promise<unknown>
}

/** How a case uses a pool; each peer's `open` makes of it the settings that are fastest for that. */
export interface Use {
  readonly workers: number
  /** How many jobs the caller keeps going at the same time. */
  readonly inFlight: number
}
