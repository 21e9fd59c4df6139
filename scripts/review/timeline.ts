/** A run over time, for the terminal: its resident memory, and under it what each worker ran. */
import { default as plot } from "simple-ascii-chart"
import type { RunRecord } from "../../lib/mod.ts"
import { megabytes } from "../shared/figures.ts"
import { counted } from "../shared/words.ts"

const chartLines = 13
const maxLanes = 24
const ticks = 4

/** A part of the run's time, and how many columns show it. */
interface Span {
  readonly fromMs: number
  readonly toMs: number
  readonly columns: number
}

const columnAt = ({ columns, fromMs, toMs }: Span, atMs: number) =>
  Math.min(columns - 1, Math.max(0, Math.floor((atMs - fromMs) / (toMs - fromMs) * columns)))

/** Lines no wider than the window; none for a run that left nothing to draw. */
export const timeline = ({ jobs, memory, summary }: RunRecord.RunRecord, windowColumns: number): Array<string> => {
  const workers = [...Map.groupBy(jobs.filter(hasRun), ({ workerId }) => workerId)].toSorted(([a], [b]) => a - b)
  const labels = workers.slice(0, maxLanes).map(([id]) => `worker ${id}`)
  const peak = memory.reduce((most, { rssBytes }) => Math.max(most, rssBytes), 0)
  const amounts = Array.from({ length: ticks + 1 }, (_, n) => n / ticks * peak)
  const labelColumns = Math.max(...[...amounts.map(megabytes), ...labels].map(({ length }) => length))
  const span = {
    fromMs: memory[0]?.atMs ?? 0,
    toMs: summary.wallMs,
    columns: Math.max(20, windowColumns - labelColumns - 3)
  }
  if (!(span.toMs > span.fromMs)) return []

  const lanes = workers.slice(0, maxLanes).map(([, ran], n) =>
    `${labels[n]!.padStart(labelColumns)} ${lane(ran, span)}`
  )
  return [
    ...(memory.length === 0 ? [] : ["resident memory", chart(memory, span, amounts, labelColumns)]),
    ...lanes,
    ...(workers.length > maxLanes ? [`and ${counted(workers.length - maxLanes, "more worker")}`] : [])
  ]
}

/** The most that was resident in the time of each column, which stands above the same column of the lanes. */
const chart = (
  memory: ReadonlyArray<RunRecord.MemorySample>,
  span: Span,
  amounts: ReadonlyArray<number>,
  labelColumns: number
): string => {
  const most = new Map<number, number>()
  for (const { atMs, rssBytes } of memory) {
    const column = columnAt(span, atMs)
    most.set(column, Math.max(most.get(column) ?? 0, rssBytes))
  }
  const seconds = (column: number) => (span.fromMs + column / (span.columns - 1) * (span.toMs - span.fromMs)) / 1000
  // As many as tell one tick from the next, down to the microsecond.
  const digits = Math.min(6, Math.max(1, Math.ceil(-Math.log10((span.toMs - span.fromMs) / 1000 / ticks))))
  const drawn = plot([...most], {
    width: span.columns,
    height: chartLines,
    yRange: [0, amounts.at(-1)!],
    customYAxisTicks: [...amounts],
    customXAxisTicks: Array.from({ length: ticks + 1 }, (_, n) => Math.round(n / ticks * (span.columns - 1))),
    formatter: (value, { axis }) => axis === "x" ? `${seconds(value).toFixed(digits)} s` : megabytes(value)
  })
  const lines = drawn.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "")
  const axisColumn = Math.max(...lines.map((line) => line.indexOf("┤")))
  return lines.map((line) => " ".repeat(Math.max(0, labelColumns - axisColumn)) + line).join("\n")
}

type Ran = RunRecord.JobRecord & { readonly workerId: number; readonly startedMs: number }

const hasRun = (job: RunRecord.JobRecord): job is Ran => job.workerId !== undefined && job.startedMs !== undefined

/** How busy the worker was in the time of each column, and the numbers of the jobs that are long enough for theirs. */
const lane = (ran: ReadonlyArray<Ran>, span: Span): string => {
  const columnMs = (span.toMs - span.fromMs) / span.columns
  const busyMs = new Float64Array(span.columns)
  const names: Array<{ readonly column: number; readonly name: string }> = []
  for (const { job, returnedMs = span.toMs, startedMs, status } of ran) {
    const [first, last] = [columnAt(span, startedMs), columnAt(span, returnedMs)]
    for (let column = first; column <= last; column++) {
      const [from, to] = [span.fromMs + column * columnMs, span.fromMs + (column + 1) * columnMs]
      busyMs[column]! += Math.max(0, Math.min(to, returnedMs) - Math.max(from, startedMs))
    }
    const name = status === "succeeded" ? `${job}` : `${job}!`
    if (last - first > name.length + 1) names.push({ column: first, name: `│${name}` })
  }
  const columns = Array.from(busyMs, (ms) => shades[Math.min(shades.length - 1, Math.ceil(ms / columnMs * 4))]!)
  for (const { column, name } of names) columns.splice(column, name.length, ...name)
  return columns.join("").trimEnd()
}

/** From idle to busy all the time. */
const shades = [" ", "░", "▒", "▓", "█"]
