import type { RunRecord } from "../../lib/mod.ts"

/** Seconds since the run began, and megabytes. */
export type Point = readonly [seconds: number, megabytes: number]

/** More could not be told apart in a chart. */
const mostPoints = 1000

/**
 * Resident memory over time. Where the system's high-water mark rose between two samples, memory was there in between:
 * that is a point, too, so that the highest point is the peak that the summary tells. Of many samples the least and the
 * most of each stretch are left.
 */
export const memoryOf = (memory: ReadonlyArray<RunRecord.MemorySample>): Array<Point> => {
  const points: Array<Point> = []
  let mark = memory[0]?.maxRssBytes
  for (const { atMs, maxRssBytes, rssBytes } of memory) {
    if (maxRssBytes !== mark && maxRssBytes > rssBytes) points.push(point(atMs, maxRssBytes))
    points.push(point(atMs, rssBytes))
    mark = maxRssBytes
  }
  return points.length <= mostPoints ? points : extremes(points, Math.ceil(2 * points.length / mostPoints))
}

const point = (ms: number, bytes: number): Point => [ms / 1000, bytes / 1e6]

const extremes = (points: ReadonlyArray<Point>, stretch: number): Array<Point> => {
  const kept: Array<Point> = []
  for (let from = 0; from < points.length; from += stretch) {
    let least = from
    let most = from
    for (let n = from + 1; n < Math.min(from + stretch, points.length); n++) {
      if (points[n]![1] < points[least]![1]) least = n
      if (points[n]![1] > points[most]![1]) most = n
    }
    kept.push(points[Math.min(least, most)]!)
    if (least !== most) kept.push(points[Math.max(least, most)]!)
  }
  return kept
}
