import { bisectLeft, ticks } from "d3-array"
import { quantileSorted } from "simple-statistics"

/** How many jobs of each run took so long. */
export interface Histogram {
  /** In seconds; one more than there are bins. */
  readonly edges: ReadonlyArray<number>
  /** For each run, for each bin. */
  readonly counts: ReadonlyArray<ReadonlyArray<number>>
  /** For each run in seconds, as {@link quantiles} has them; none for a run without such jobs. */
  readonly quantiles: ReadonlyArray<ReadonlyArray<number>>
}

/** Which quantiles a histogram tells, and what they are called. */
export const quantiles = [[0, "least"], [0.5, "median"], [0.95, "95 %"], [0.99, "99 %"], [1, "most"]] as const

/** Of the times of each run, which are sorted. */
export const histogram = (runs: ReadonlyArray<Float64Array>): Histogram => {
  const most = runs.reduce((most, times) => Math.max(most, times.at(-1) ?? 0), 0)
  const inner = ticks(0, most, 24)
  const step = inner.length > 1 ? inner[1]! - inner[0]! : 1
  const edges = inner.at(-1)! > most ? inner : [...inner, inner.at(-1)! + step]
  return {
    edges,
    counts: runs.map((times) => {
      const below = edges.map((edge) => bisectLeft(times, edge))
      return below.slice(1).map((count, bin) => count - below[bin]!)
    }),
    quantiles: runs.map((times) => times.length === 0 ? [] : quantilesOf(Array.from(times)))
  }
}

const quantilesOf = (sorted: Array<number>) => quantiles.map(([p]) => quantileSorted(sorted, p))
