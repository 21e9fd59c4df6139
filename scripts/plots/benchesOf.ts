import { max, median, min } from "simple-statistics"
import type { RunRecord } from "../../lib/mod.ts"
import * as benchFigures from "../shared/bench-figures.ts"

/** What is drawn of a benchmark's case. */
export interface Bench {
  readonly name: string
  readonly description: string
  /** What its numbers are, and which are better. */
  readonly measure: string
  readonly subjects: ReadonlyArray<Bar & { readonly role: NonNullable<benchFigures.Subject["role"]> }>
  /** How many times each of ours is as good as the best peer, round by round. */
  readonly advantages: ReadonlyArray<Bar>
}

/** A median, from the least to the most. */
export interface Bar {
  readonly name: string
  readonly middle: number
  readonly least: number
  readonly most: number
  readonly samples: number
}

const units: Record<string, readonly [unit: string, size: number]> = {
  "time": ["ms", 1],
  "memory held": ["MB", 1e6],
  "memory held per job": ["bytes", 1]
}

/** The figure that each case is about; who has no number in it is left out. */
export const benchesOf = ({ cases }: RunRecord.BenchRecord): Array<Bench> =>
  cases.map((measured) => {
    const { moreIsBetter, name, of } = benchFigures.figureOf(measured)
    const [unit, size] = units[name] ?? ["", 1]
    return {
      name: measured.name,
      description: measured.description,
      measure: [name, unit, moreIsBetter ? "more is better" : "less is better"].filter((part) => part !== "").join(
        ", "
      ),
      subjects: measured.subjects.flatMap((subject) => {
        const values = benchFigures.values(subject, of).map((value) => value / size)
        return values.length === 0 ? [] : { ...bar(subject.name, values), role: subject.role ?? "peer" }
      }),
      advantages: benchFigures.comparisons(measured).flatMap(({ best, ours, toBest }) => {
        const times = toBest.map((ratio) => moreIsBetter ? ratio : 1 / ratio).filter((times) =>
          times > 0 && Number.isFinite(times)
        )
        return best === undefined || times.length === 0 ? [] : bar(`${ours.name} to ${best.name}`, times)
      })
    }
  })

const bar = (name: string, values: Array<number>): Bar => ({
  name,
  middle: median(values),
  least: min(values),
  most: max(values),
  samples: values.length
})
