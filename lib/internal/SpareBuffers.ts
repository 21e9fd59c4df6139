/** What one job's results left, for that job's next results: on its way back to the workers, or where results are read. */
import type * as Job from "../Job.ts"
import { free } from "./buffers.ts"

interface Spare {
  readonly job: Job.Any
  readonly buffers: ReadonlyArray<ArrayBuffer>
}

export class SpareBuffers {
  readonly #limit: () => number
  /** Oldest first. */
  readonly #spares: Array<Spare> = []

  /** Holds what `limit` results left; more than that many cannot be filled at the same time. */
  constructor(limit: () => number) {
    this.#limit = limit
  }

  put(job: Job.Any, buffers: ReadonlyArray<ArrayBuffer>): void {
    // Moved at once, so that a view that is kept too long is seen to be empty. The reader may have moved some itself.
    const moved = buffers.filter((buffer) => !buffer.detached).map((buffer) => buffer.transfer())
    if (moved.length === 0) return
    this.#spares.push({ job, buffers: moved })
    if (this.#spares.length > this.#limit()) this.#spares.shift()!.buffers.forEach(free)
  }

  has(job: Job.Any): boolean {
    return this.#spares.some((spare) => spare.job === job)
  }

  take(job: Job.Any): ReadonlyArray<ArrayBuffer> {
    const at = this.#spares.findIndex((spare) => spare.job === job)
    return at === -1 ? [] : this.#spares.splice(at, 1)[0]!.buffers
  }
}
