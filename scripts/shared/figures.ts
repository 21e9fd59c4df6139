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

/** Medians with their spread, the ratio to the first subject pair by pair, and how ours compare with the best peer. */
export const benchmark = (measured: RunRecord.BenchCase): string => {
  const { description, name, subjects } = measured
  const base = subjects[0]!
  const areRates = base.samples.every(({ jobs }) => jobs !== undefined)
  const rows = subjects.map((subject) => [
    subject.name,
    areRates
      ? spread(subject.samples.map((sample) => 1 / costMs(sample)), (rate) => rate.toFixed(1))
      : spread(subject.samples.map(({ wallMs }) => wallMs), (ms) => `${ms.toFixed(1)} ms`),
    spread(ratios(subject, base, costMs), times),
    spread(subject.samples.map(({ peakGrowthBytes }) => peakGrowthBytes), (bytes) => `${(bytes / 1e6).toFixed(1)} MB`)
  ])
  const head = ["", areRates ? "thousand jobs a second" : "wall", "time, ratio", "peak growth"]
  const best = bestPeer(measured)
  const verdicts = best === undefined ?
    [] :
    subjects.filter(({ role }) => role === "ours").map((ours) =>
      `${ours.name}: ${spread(ratios(best, ours, costMs), times)} the speed of ${best.name}, the fastest peer`
    )
  return [`${name}: ${description}`, table(head, rows), ...verdicts].join("\n")
}

type BenchSubject = RunRecord.BenchCase["subjects"][number]

const costMs = ({ jobs = 1, wallMs }: RunRecord.BenchSample) => wallMs / jobs

const bestPeer = ({ subjects }: RunRecord.BenchCase): BenchSubject | undefined =>
  subjects.filter(({ role }) => role === "peer").toSorted((a, b) => medianCostMs(a) - medianCostMs(b))[0]

const medianCostMs = ({ samples }: BenchSubject) => median(samples.map(costMs))

/** Of the samples that were taken in the same round. */
const ratios = (over: BenchSubject, under: BenchSubject, of: (sample: RunRecord.BenchSample) => number) =>
  over.samples.map((sample, round) => of(sample) / of(under.samples[round]!))

const times = (ratio: number) => `${ratio.toFixed(2)}×`

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
