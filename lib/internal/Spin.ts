/**
 * Adaptive spinning: to let a core sleep and to wake it takes longer than a short job, so a thread that expects something
 * soon stays awake and looks for it, for a moment, as long as that pays. It does not where the other thread has no core
 * to run on meanwhile. Loads nothing of Effect.
 */

/** How long a thread stays awake for nothing, in milliseconds. */
export const spinMs = 0.2

/** After so many chances let pass it is tried again. */
const mostSkips = 1023

export class Spin {
  #skips = 0
  #penalty = 0

  /** Whether to stay awake now, as the last wait took `waitedMs`. */
  pays(waitedMs: number): boolean {
    if (waitedMs > spinMs) return false
    if (this.#skips === 0) return true
    this.#skips--
    return false
  }

  /** Something came while the thread was awake. */
  hit(): void {
    this.#penalty >>= 1
  }

  /** Nothing came: each time twice as many chances are let pass. */
  missed(): void {
    this.#penalty = Math.min(2 * this.#penalty + 1, mostSkips)
    this.#skips = this.#penalty
  }
}
