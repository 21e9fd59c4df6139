/** Whether the results of an experiment fit into memory, before any is computed. */
import { Effect } from "effect"
import type { Parameters } from "./experiment.ts"
import { UsageError } from "./main.ts"

/** Fails, and says what would fit, where the results would not fit into memory. */
export const checkMemory = (parameters: Parameters, arrays: (parameters: Parameters) => number) => {
  const { count, jobs } = parameters
  const available = process.availableMemory()
  const bytes = (alternative: Partial<Parameters>) => {
    const chosen = { ...parameters, ...alternative }
    return Math.min(chosen.jobs, arrays(chosen)) * chosen.count * Float64Array.BYTES_PER_ELEMENT
  }
  const needed = bytes({})
  if (needed <= available) return Effect.void
  const fits = [
    ["--count", Math.floor(count * available / needed)] as const,
    ["--jobs", Math.floor(jobs * available / needed)] as const
  ].filter(([flag, value]) => value > 0 && bytes(flag === "--count" ? { count: value } : { jobs: value }) <= available)
  return Effect.fail(
    new UsageError(
      `--jobs ${jobs} --count ${count} holds up to ${gigabytes(needed)} of results, and ${
        gigabytes(available)
      } are free: ` +
        `expected less, such as ${
          fits.map(([flag, value]) => `${flag} ${value}`).join(" or ")
        } (--force runs it anyway)`
    )
  )
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
