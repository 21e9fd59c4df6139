import type { Pool } from "../pool.ts"

/** How to begin a job that never ends, on a pool that stops a job by its signal. */
export const untilAborted = (run: (signal: AbortSignal) => Promise<unknown>): NonNullable<Pool["begin"]> => () => {
  const controller = new AbortController()
  const ended = run(controller.signal).catch(() => {})
  return () => {
    controller.abort()
    return ended
  }
}
