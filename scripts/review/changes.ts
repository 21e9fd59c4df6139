/** What changed between records, figure by figure; the first is what the others are compared with. */
import { max, median, min } from "simple-statistics"
import type { RunRecord } from "../../lib/mod.ts"
import * as benchFigures from "../shared/bench-figures.ts"
import * as figures from "../shared/figures.ts"
import { hasChanged } from "./rankSum.ts"

/** A figure in each of the records. */
export interface Row {
  /** A script, or a benchmark's case. */
  readonly of: string
  /** Of a benchmark with the name of the subject. */
  readonly figure: string
  readonly cells: ReadonlyArray<Cell>
}

export interface Cell {
  /** Absent where the record does not tell. */
  readonly value?: number
  /** Of a benchmark. */
  readonly spread?: { readonly least: number; readonly most: number }
  /** The value, as people read it. */
  readonly shown: string
  /** The change, likewise; empty for the first record. */
  readonly change: string
  /** By what share of the first record's it got worse, below zero for better; absent where it is no change. */
  readonly worse?: number
  /** Of a benchmark: whether there are enough rounds to tell a change. */
  readonly canTell?: boolean
}

type Runs = ReadonlyArray<RunRecord.RunRecord | undefined>

/** The figures of runs of one script; a record may have none. */
export const ofRuns = (of: string, runs: Runs): Array<Row> =>
  figures.figures.map((figure) => ({
    of,
    figure: figure.name,
    cells: runs.map((run) => runCell(figure, run, runs[0]))
  }))

const runCell = (figure: figures.Figure, run: Runs[number], first: Runs[number]): Cell => {
  const value = run === undefined ? Number.NaN : figure.of(run)
  if (!Number.isFinite(value)) return { shown: "", change: "" }
  const base = first === undefined || first === run ? Number.NaN : figure.of(first)
  const cell = { value, shown: figure.show(value) }
  if (!Number.isFinite(base)) return { ...cell, change: "" }
  if (!figure.hasRatio) {
    const difference = value - base
    const change = signed(difference, figure.show)
    const scale = first === undefined ? undefined : figure.scale?.(first)
    return scale === undefined ? { ...cell, change } : { ...cell, change, worse: difference / scale }
  }
  const relative = relativeChange(value, base)
  return {
    ...cell,
    change: signed(relative, figures.percent),
    worse: figure.moreIsBetter === true ? -relative : relative
  }
}

type Cases = ReadonlyArray<RunRecord.BenchCase | undefined>

/** The figures of a benchmark's case. Its first subject is what the others are compared with, and has no ratio. */
export const ofCases = (cases: Cases): Array<Row> => {
  const subjects = new Set(cases.flatMap((each) => each?.subjects.map(({ name }) => name) ?? []))
  return [...subjects].flatMap((subject) => [
    ...(subject === cases[0]?.subjects[0]?.name ? [] : [ofRatios(subject, cases)]),
    ofSubject(subject, cases, benchFigures.peak, (found) => benchFigures.values(found, benchFigures.peak.of))
  ])
}

/** Empty for a record whose case has another first subject, or another figure: such ratios tell no change. */
const ofRatios = (subject: string, cases: Cases): Row => {
  const base = cases[0]?.subjects[0]?.name
  const figure = benchFigures.figureOf(cases.find((each) => each !== undefined)!)
  return ofSubject(
    subject,
    cases,
    { ...figure, name: `${figure.name}, ratio`, show: benchFigures.times },
    (found, each) =>
      each.subjects[0]?.name === base && benchFigures.figureOf(each).name === figure.name
        ? benchFigures.ratios(found, each.subjects[0], figure.of)
        : []
  )
}

const ofSubject = (
  name: string,
  cases: Cases,
  figure: Omit<benchFigures.Figure, "of">,
  valuesOf: (subject: benchFigures.Subject, each: RunRecord.BenchCase) => ReadonlyArray<number>
): Row => {
  const values = cases.map((each) => {
    const found = each?.subjects.find((subject) => subject.name === name)
    return each === undefined || found === undefined ? [] : valuesOf(found, each)
  })
  return {
    of: cases.find((each) => each !== undefined)!.name,
    figure: `${name}: ${figure.name}`,
    cells: values.map((own, n) => benchCell(own, n === 0 ? [] : values[0]!, figure))
  }
}

const benchCell = (
  values: ReadonlyArray<number>,
  first: ReadonlyArray<number>,
  { moreIsBetter, show }: Omit<benchFigures.Figure, "of">
): Cell => {
  if (values.length === 0) return { shown: "", change: "" }
  const value = median([...values])
  const spread = { least: min([...values]), most: max([...values]) }
  const cell = { value, spread, shown: benchFigures.spread(values, show) }
  if (first.length === 0) return { ...cell, change: "" }
  const changed = hasChanged(first, values)
  if (changed === undefined) return { ...cell, change: "too few rounds", canTell: false }
  if (!changed) return { ...cell, change: "no change" }
  const relative = relativeChange(value, median([...first]))
  return { ...cell, change: signed(relative, figures.percent), worse: moreIsBetter ? -relative : relative }
}

const relativeChange = (value: number, base: number) => value === base ? 0 : (value - base) / base

const signed = (value: number, show: (value: number) => string) => {
  if (!Number.isFinite(value)) return "from 0"
  const shown = show(value)
  return value > 0 ? `+${shown}` : shown
}
