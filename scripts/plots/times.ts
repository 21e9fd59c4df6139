import { type Chart, common, tooltip } from "./chart.ts"
import { type Histogram, quantiles } from "./histogram.ts"
import type { Plots } from "./plots.ts"

const histogram = (
  kind: Pick<Chart, "id" | "title" | "caption">,
  of: (plots: Plots) => Histogram
): Chart => ({
  ...kind,
  zooms: false,
  describe: (plots) =>
    plots.runs.flatMap(({ label }, run) => {
      const of99 = of(plots).quantiles[run]!
      return of99.length === 0 ? [] : `${label}: median ${short(of99[1]!)} s, most ${short(of99.at(-1)!)} s`
    }).join("; "),
  heightPx: () => 320,
  option: (plots) => {
    const { counts, edges } = of(plots)
    return {
      ...common(plots.runs.map(({ label }) => label)),
      tooltip: { ...tooltip, trigger: "axis" },
      grid: { top: 40, left: 70, right: 30, bottom: 50 },
      xAxis: { type: "category", data: bins(edges), name: "seconds", nameLocation: "middle", nameGap: 28 },
      yAxis: { type: "value", name: "jobs", minInterval: 1 },
      series: plots.runs.map(({ label }, run) => ({ type: "bar", name: label, data: counts[run], barGap: 0 }))
    }
  },
  table: (plots) => {
    const { counts, edges, quantiles: values } = of(plots)
    return {
      head: ["seconds", ...plots.runs.map(({ label }) => label)],
      rows: [
        ...quantiles.map(([, name], n) => [name, ...values.map((ofRun) => n in ofRun ? short(ofRun[n]!) : "")]),
        ...bins(edges).map((bin, n) => [bin, ...counts.map((ofRun) => `${ofRun[n]}`)])
      ]
    }
  }
})

const bins = (edges: ReadonlyArray<number>) => edges.slice(1).map((to, n) => `${short(edges[n]!)} to ${short(to)}`)

const short = (value: number) => `${Number(value.toPrecision(3))}`

/** How long jobs ran. */
export const runTimes = histogram({
  id: "run-times",
  title: "Run time of the jobs",
  caption: "How many jobs took so long from their start on a worker to their return."
}, ({ runTimes }) => runTimes)

/** How long jobs waited before. */
export const waitTimes = histogram({
  id: "wait-times",
  title: "Wait time of the jobs",
  caption: "How many jobs waited so long from their submission to their start on a worker."
}, ({ waitTimes }) => waitTimes)
