/** The figures of benchmarks, as people read them. */
import { max, median, min } from "simple-statistics"
import type { RunRecord } from "../../lib/mod.ts"
import * as figures from "./figures.ts"
import { printable } from "./terminal.ts"

/** Medians with their spread, ratios to the first subject pair by pair, and how ours compare with the best peer. */
export const show = (measured: RunRecord.BenchCase): string => {
  const { description, name, subjects } = measured
  const figure = figureOf(measured)
  const rows = subjects.map((subject) => [
    subject.name,
    spread(values(subject, figure.of), figure.show),
    spread(ratios(subject, subjects[0], figure.of), times),
    spread(values(subject, peak.of), peak.show)
  ])
  const verdicts = comparisons(measured).flatMap(({ best, ours, toBest }) =>
    best === undefined || toBest.length === 0
      ? []
      : printable(`${ours.name}: ${spread(toBest, times)} the ${figure.name} of ${best.name}, the best peer`)
  )
  return [
    printable(`${name}: ${description}`),
    figures.table(["", figure.name, "ratio", "peak growth"], rows),
    ...verdicts
  ].join("\n")
}

/** The heads of the columns that {@link rows} fills. */
export const heads = [
  "case",
  "figure",
  "ours",
  "best peer",
  "ratio to it",
  "to bare threads",
  "its peak memory to the best peer's"
]

/** A row for each of ours in a case. */
export const rows = (measured: RunRecord.BenchCase): Array<Array<string>> => {
  const { name, of, show } = figureOf(measured)
  const medianOf = (subject: Subject) => show(median(values(subject, of)))
  return comparisons(measured).map(({ best, isBehind, ours, toBest, toFloor, toPeak }) => [
    measured.name,
    [ours.name.replace(/^effect-futures ?/, ""), name].filter((part) => part !== "").join(", "),
    medianOf(ours),
    best === undefined ? "" : `${best.name} ${medianOf(best)}`,
    toBest.length === 0 ? "" : `${spread(toBest, times)}${isBehind ? ", behind" : ""}`,
    toFloor.length === 0 ? "" : times(median(toFloor)),
    toPeak.length === 0 ? "" : times(median(toPeak))
  ])
}

export type Subject = RunRecord.BenchCase["subjects"][number]

export interface Figure {
  readonly name: string
  readonly of: (sample: RunRecord.BenchSample) => number
  readonly show: (value: number) => string
  readonly moreIsBetter: boolean
}

/** The figure that a case is about. */
export const figureOf = ({ subjects }: RunRecord.BenchCase): Figure => {
  const { heldBytes, jobs } = subjects[0]?.samples[0] ?? {}
  if (heldBytes !== undefined) {
    return jobs === undefined
      ? { name: "memory held", of: (sample) => sample.heldBytes!, show: figures.megabytes, moreIsBetter: false }
      : {
        name: "memory held per job",
        of: (sample) => sample.heldBytes! / sample.jobs!,
        show: (bytes) => `${integer.format(bytes)} B`,
        moreIsBetter: false
      }
  }
  return jobs === undefined
    ? { name: "time", of: (sample) => sample.wallMs, show: milliseconds, moreIsBetter: false }
    : {
      name: "jobs per second",
      of: (sample) => sample.jobs! / sample.wallMs * 1000,
      show: integer.format,
      moreIsBetter: true
    }
}

/** What is told of every case. */
export const peak: Figure = {
  name: "peak growth",
  of: ({ peakGrowthBytes }) => peakGrowthBytes,
  show: figures.megabytes,
  moreIsBetter: false
}

/** Each of ours, beside the best of the peers and the floor, where there are such. */
export const comparisons = (measured: RunRecord.BenchCase) => {
  const { moreIsBetter, of } = figureOf(measured)
  const better = moreIsBetter ? 1 : -1
  const medianOf = (subject: Subject) => median(values(subject, of))
  const inRole = (wanted: Subject["role"]) =>
    measured.subjects.filter((subject) => subject.role === wanted && values(subject, of).length > 0)
  const [best] = inRole("peer").toSorted((a, b) => better * (medianOf(b) - medianOf(a)))
  const [floor] = inRole("floor")
  return inRole("ours").map((ours) => {
    const toBest = best === undefined ? [] : ratios(ours, best, of)
    return {
      ours,
      best,
      toBest,
      isBehind: toBest.length > 0 && better * (median(toBest) - 1) < 0,
      toFloor: floor === undefined ? [] : ratios(ours, floor, of),
      toPeak: best === undefined ? [] : ratios(ours, best, peak.of)
    }
  })
}

/** Of each sample, as far as it is a number. */
export const values = ({ samples }: Subject, of: Figure["of"]): Array<number> => samples.map(of).filter(Number.isFinite)

/** Of the samples that were taken in the same round. */
export const ratios = (over: Subject, under: Subject | undefined, of: Figure["of"]): Array<number> =>
  over.samples.flatMap((sample, round) => {
    const base = under?.samples[round]
    const ratio = base === undefined ? Number.NaN : of(sample) / of(base)
    return Number.isFinite(ratio) ? ratio : []
  })

export const times = (ratio: number) => `${ratio.toFixed(2)}×`

const milliseconds = (ms: number) => ms < 10_000 ? `${ms.toFixed(ms < 100 ? 1 : 0)} ms` : figures.seconds(ms)

const integer = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 })

/** The median, the least and the most; empty for no values. */
export const spread = (values: ReadonlyArray<number>, show: (value: number) => string): string =>
  values.length === 0
    ? ""
    : `${show(median([...values]))} (${show(min([...values]))} to ${show(max([...values]))})`
