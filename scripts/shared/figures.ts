/** The figures of runs, as people read them. */
import CliTable from "cli-table3"
import { median } from "simple-statistics"
import type { RunRecord } from "../../lib/mod.ts"

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

const megabytes = (bytes: number) => `${fixed(bytes / 1e6, Math.abs(bytes) < 10e6 ? 1 : 0)} MB`

const percent = (share: number) => `${fixed(share * 100, 1)} %`

/** Without the sign of what rounds to zero. */
const fixed = (value: number, digits: number) => value.toFixed(digits).replace(/^-(?=[0.]*$)/, "")

interface Figure {
  readonly name: string
  readonly of: (record: RunRecord.RunRecord) => number
  readonly show: (value: number) => string
  /** Whether its ratio to another run's says something; to a slope of about nothing none does. */
  readonly hasRatio: boolean
}

const figures: ReadonlyArray<Figure> = [
  { name: "wall", of: ({ summary }) => summary.wallMs, show: seconds, hasRatio: true },
  { name: "CPU", of: ({ summary }) => summary.cpuMs, show: seconds, hasRatio: true },
  { name: "efficiency", of: ({ summary }) => summary.parallelEfficiency, show: percent, hasRatio: true },
  { name: "peak", of: ({ summary }) => summary.peakRssBytes, show: megabytes, hasRatio: true },
  { name: "slope per job", of: ({ summary }) => summary.rssSlopeBytesPerJob, show: megabytes, hasRatio: false },
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
  figures.map(({ hasRatio, of, show }) =>
    show(of(record)) + (base !== undefined && hasRatio ? `  ${(of(record) / of(base)).toFixed(2)}×` : "")
  )

/** A row for each of the runs that were made to be compared, with ratios to `lazy`. */
export const comparison = (runs: ReadonlyArray<RunRecord.RunRecord>): string => {
  const lazy = runs.find(({ script }) => script === "lazy")
  return table(["script", ...heads], runs.map((run) => [run.script, ...cells(run, lazy)]))
}

/** Medians with their spread, ratios to the first subject pair by pair, and how ours compare with the best peer. */
export const benchmark = (measured: RunRecord.BenchCase): string => {
  const { description, name, subjects } = measured
  const figure = benchFigure(measured)
  const rows = subjects.map((subject) => [
    subject.name,
    spread(subject.samples.map(figure.of), figure.show),
    spread(ratios(subject, subjects[0]!, figure), times),
    spread(subject.samples.map(({ peakGrowthBytes }) => peakGrowthBytes), megabytes)
  ])
  const verdicts = comparisons(measured).map(({ best, ours, ratio }) =>
    `${ours.name}: ${spread(ratio, times)} the ${figure.name} of ${best.name}, the best peer`
  )
  return [`${name}: ${description}`, table(["", figure.name, "ratio", "peak growth"], rows), ...verdicts].join("\n")
}

type BenchSubject = RunRecord.BenchCase["subjects"][number]

interface BenchFigure {
  readonly name: string
  readonly of: (sample: RunRecord.BenchSample) => number
  readonly show: (value: number) => string
  readonly moreIsBetter: boolean
}

/** The figure that a case is about. */
const benchFigure = ({ subjects }: RunRecord.BenchCase): BenchFigure => {
  const { heldBytes, jobs } = subjects[0]!.samples[0]!
  if (heldBytes !== undefined) {
    return jobs === undefined
      ? { name: "memory held", of: (sample) => sample.heldBytes!, show: megabytes, moreIsBetter: false }
      : {
        name: "memory held per job",
        of: (sample) => sample.heldBytes! / sample.jobs!,
        show: (bytes) => `${bytes.toFixed(0)} B`,
        moreIsBetter: false
      }
  }
  return jobs === undefined
    ? { name: "time", of: (sample) => sample.wallMs, show: milliseconds, moreIsBetter: false }
    : {
      name: "jobs per second",
      of: (sample) => sample.jobs! / sample.wallMs * 1000,
      show: (rate) => local.format(rate),
      moreIsBetter: true
    }
}

/** Each of ours with the best of the peers, if there is one. */
const comparisons = (measured: RunRecord.BenchCase) => {
  const figure = benchFigure(measured)
  const medianOf = ({ samples }: BenchSubject) => median(samples.map(figure.of))
  const [best] = measured.subjects.filter(({ role }) => role === "peer").toSorted((a, b) =>
    figure.moreIsBetter ? medianOf(b) - medianOf(a) : medianOf(a) - medianOf(b)
  )
  if (best === undefined) return []
  return measured.subjects.filter(({ role }) => role === "ours").map((ours) => ({
    best,
    ours,
    ratio: ratios(ours, best, figure)
  }))
}

/** Of the samples that were taken in the same round. */
const ratios = (over: BenchSubject, under: BenchSubject, { of }: BenchFigure) =>
  over.samples.map((sample, round) => of(sample) / of(under.samples[round]!))

const times = (ratio: number) => `${ratio.toFixed(2)}×`

const milliseconds = (ms: number) => ms < 10_000 ? `${ms.toFixed(1)} ms` : seconds(ms)

const local = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 })

const spread = (values: ReadonlyArray<number>, format: (value: number) => string) =>
  `${format(median([...values]))} (${format(Math.min(...values))} to ${format(Math.max(...values))})`

/** Rows under heads, the first column to the left and the others to the right. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const drawn = new CliTable({
    head: [...head],
    colAligns: head.map((_, column) => column === 0 ? "left" : "right"),
    style: { head: [], border: [], compact: true }
  })
  for (const row of rows) drawn.push([...row])
  return drawn.toString()
}
