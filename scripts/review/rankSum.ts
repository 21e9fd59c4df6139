/** Whether two sets of samples differ, or only scatter. */
import { wilcoxonRankSum } from "simple-statistics"

/** Of the standard normal distribution, 1 % is further out. */
const critical = 2.576

/** How far the rank sum of `a` is from what it would be without a difference, in standard deviations. */
const deviation = (rankSum: number, a: number, b: number) =>
  Math.abs(rankSum - a * (a + b + 1) / 2) / Math.sqrt(a * b * (a + b + 1) / 12)

/**
 * The Wilcoxon rank-sum test (Mann-Whitney) at the level of 1 %, by its normal approximation: it asks for nothing but
 * independent samples, and an outlier counts no more than its rank. With five samples on either side a change is told
 * where their spreads do not overlap; with more they may, a little; with fewer none can be told, and it is undefined.
 */
export const hasChanged = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): boolean | undefined => {
  const least = a.length * (a.length + 1) / 2
  if (!(deviation(least, a.length, b.length) > critical)) return undefined
  return deviation(wilcoxonRankSum([...a], [...b]), a.length, b.length) > critical
}
