/** What changed between records, figure by figure; the first is what the others are compared with. */
import { median } from "simple-statistics"
import type { RunRecord } from "../../lib/mod.ts"
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

/** The figures of a benchmark's case: of the first subject's ratio to itself there are none. */
export const ofCases = (cases: ReadonlyArray<RunRecord.BenchCase | undefined>): Array<Row> => {
  const base = cases[0]?.subjects[0]?.name
  const subjects = new Set(cases.flatMap((each) => each?.subjects.map(({ name }) => name) ?? []))
  return [...subjects].flatMap((subject) =>
    [figures.ratio, figures.peakGrowth]
      .filter((measure) => measure !== figures.ratio || subject !== base)
      .map((measure) => ofSubject(measure, subject, cases))
  )
}

const ofSubject = (
  measure: figures.Measure,
  subject: string,
  cases: ReadonlyArray<RunRecord.BenchCase | undefined>
): Row => {
  const samples = cases.map((each) => {
    const found = each?.subjects.find(({ name }) => name === subject)
    // A ratio to somebody else is another figure.
    const isComparable = measure !== figures.ratio || each?.subjects[0]?.name === cases[0]?.subjects[0]?.name
    return each === undefined || found === undefined || !isComparable ? [] : figures.rounds(measure, each, found)
  })
  return {
    of: cases.find((each) => each !== undefined)!.name,
    figure: `${subject}: ${measure.name}`,
    cells: samples.map((values, n) => benchCell(measure, values, n === 0 ? [] : samples[0]!))
  }
}

const benchCell = (measure: figures.Measure, values: ReadonlyArray<number>, first: ReadonlyArray<number>): Cell => {
  if (values.length === 0) return { shown: "", change: "" }
  const value = median([...values])
  const spread = { least: Math.min(...values), most: Math.max(...values) }
  const cell = { value, spread, shown: figures.spread(values, measure.show) }
  if (first.length === 0) return { ...cell, change: "" }
  const changed = hasChanged(first, values)
  if (changed === undefined) return { ...cell, change: "too few rounds", canTell: false }
  if (!changed) return { ...cell, change: "no change" }
  const worse = relativeChange(value, median([...first]))
  return { ...cell, change: signed(worse, figures.percent), worse }
}

const relativeChange = (value: number, base: number) => value === base ? 0 : (value - base) / Math.abs(base)

const signed = (value: number, show: (value: number) => string) => {
  if (!Number.isFinite(value)) return "from 0"
  const shown = show(value)
  return value > 0 ? `+${shown}` : shown
}
