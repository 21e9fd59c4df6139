/** Whether the results of an experiment fit into memory, before any is computed. */
import { Effect } from "effect"
import type { Parameters } from "./experiment.ts"
import { UsageError } from "./main.ts"

/** Fails, and says what would fit, where the results would not fit into memory. */
export const checkMemory = (parameters: Parameters, arrays: (parameters: Parameters) => number) => {
  const available = process.availableMemory()
  const bytes = (chosen: Parameters) =>
    Math.min(chosen.jobs, arrays(chosen)) * chosen.count * Float64Array.BYTES_PER_ELEMENT
  const needed = bytes(parameters)
  if (needed <= available) return Effect.void

  // A little less than what just fits: what is free changes from one moment to the next.
  const share = 0.9 * available / needed
  const fitting = (["count", "jobs", "workers"] as const).flatMap((flag) => {
    const less = roundDown(parameters[flag] * share)
    return less > 0 && bytes({ ...parameters, [flag]: less }) <= available ? `--${flag} ${less}` : []
  })
  const expected = fitting.length === 0 ? "expected less of each" : `expected less, such as ${fitting.join(" or ")}`
  return Effect.fail(
    new UsageError(
      `--jobs ${parameters.jobs} --count ${parameters.count} --workers ${parameters.workers} holds up to ` +
        `${gigabytes(needed)} of results, and ${gigabytes(available)} are free: ${expected} (--force runs it anyway)`
    )
  )
}

/** To two digits. */
const roundDown = (value: number): number => {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
  return Math.floor(value / unit) * unit
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
