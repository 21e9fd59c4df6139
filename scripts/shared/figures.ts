/** The figures of runs, as people read them. */
import CliTable from "cli-table3"
import type { RunRecord } from "../../lib/mod.ts"
import { printable } from "./terminal.ts"

export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

export const megabytes = (bytes: number) => `${fixed(bytes / 1e6, Math.abs(bytes) < 10e6 ? 1 : 0)} MB`

export const percent = (share: number) => `${fixed(share * 100, 1)} %`

/** Without the sign of what rounds to zero. */
const fixed = (value: number, digits: number) => value.toFixed(digits).replace(/^-(?=[0.]*$)/, "")

export interface Figure {
  readonly name: string
  /** Not a number where the run does not tell. */
  readonly of: (record: RunRecord.RunRecord) => number
  readonly show: (value: number) => string
  /** Whether its ratio to another run's says something; to a slope of about nothing none does. */
  readonly hasRatio: boolean
  /** Of a figure without a ratio: what its difference to another run's is held against, to call it large. */
  readonly scale?: (record: RunRecord.RunRecord) => number
  readonly moreIsBetter?: boolean
}

export const figures: ReadonlyArray<Figure> = [
  { name: "wall", of: ({ summary }) => summary.wallMs, show: seconds, hasRatio: true },
  { name: "CPU", of: ({ summary }) => summary.cpuMs, show: seconds, hasRatio: true },
  {
    name: "efficiency",
    of: ({ summary }) => summary.parallelEfficiency,
    show: percent,
    hasRatio: true,
    moreIsBetter: true
  },
  { name: "peak", of: ({ summary }) => summary.peakRssBytes, show: megabytes, hasRatio: true },
  {
    name: "slope per job",
    of: ({ summary }) => summary.rssSlopeBytesPerJob,
    show: megabytes,
    hasRatio: false,
    // What it comes to over the whole run, beside the peak: of small results the slope is noise.
    scale: ({ jobs, summary }) => summary.peakRssBytes / jobs.length
  },
  {
    name: "slope in arrays",
    of: ({ parameters, summary }) => summary.rssSlopeBytesPerJob / (Number(parameters["count"]) * 8),
    show: percent,
    hasRatio: false
  }
]

/** The heads of the columns that {@link cells} fills. */
export const heads = figures.map(({ name }) => name)

/** The figures of a run, each also as its ratio to that of `base`, if there is one. */
export const cells = (record: RunRecord.RunRecord, base?: RunRecord.RunRecord): Array<string> =>
  figures.map((figure) => {
    const ratio = base !== undefined && figure.hasRatio ? figure.of(record) / figure.of(base) : Number.NaN
    return cell(figure, record) + (Number.isFinite(ratio) ? `  ${ratio.toFixed(2)}×` : "")
  })

/** Empty where the run does not tell. */
export const cell = ({ of, show }: Figure, record: RunRecord.RunRecord): string =>
  Number.isFinite(of(record)) ? show(of(record)) : ""

/** A row for each of the runs that were made to be compared, with ratios to `lazy`. */
export const comparison = (
  runs: ReadonlyArray<RunRecord.RunRecord>,
  draw: (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>) => string = table
): string => {
  const lazy = runs.find(({ script }) => script === "lazy")
  return draw(["script", ...heads], runs.map((run) => [run.script, ...cells(run, lazy)]))
}

/** A cell, or one that takes the place of several. */
type Cell = string | { readonly content: string; readonly colSpan: number }

/** Rows under heads, the first column to the left and the others to the right; whatever they say can be printed. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Cell>>): string => {
  const drawn = new CliTable({
    head: head.map(printable),
    colAligns: head.map((_, column) => column === 0 ? "left" : "right"),
    style: { head: [], border: [], compact: true }
  })
  for (const row of rows) {
    drawn.push(
      row.map((cell) =>
        typeof cell === "string" ? printable(cell) : { ...cell, hAlign: "left", content: printable(cell.content) }
      )
    )
  }
  return drawn.toString()
}

/** The same for a page of Markdown; the first column holds names. */
export const markdownTable = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const line = head.map((_, column) => column === 0 ? "---" : "--:")
  const body = rows.map(([name, ...cells]) => [`\`${name}\``, ...cells])
  return [head, line, ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}
