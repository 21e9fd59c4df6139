import { type Chart, common, seconds, timeAxis, tooltip, zoom } from "./chart.ts"

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

/** Resident memory over time, the runs over one another. */
export const memory: Chart = {
  id: "memory",
  title: "Memory over time",
  caption: "Resident memory of the process that ran the script.",
  zooms: true,
  describe: ({ runs }) =>
    runs.map(({ label, record: { summary } }) =>
      `${label} began at ${megabytes(summary.baselineRssBytes)}, peaked at ${
        megabytes(summary.peakRssBytes)
      } and grew ` +
      `by ${(summary.rssSlopeBytesPerJob / 1e6).toFixed(1)} MB a job`
    ).join("; "),
  heightPx: () => 400,
  option: (plots) => ({
    ...common(plots.runs.map(({ label }) => label)),
    tooltip: { ...tooltip, trigger: "axis" },
    grid: { top: 40, left: 70, right: 30, bottom: 80 },
    xAxis: timeAxis(plots),
    yAxis: { type: "value", name: "MB" },
    dataZoom: zoom,
    series: plots.runs.map(({ label, memory }, run) => ({
      type: "line",
      name: label,
      data: memory,
      showSymbol: false,
      lineStyle: { type: ["solid", "dashed", "dotted"][run % 3] }
    }))
  }),
  table: ({ runs }) => ({
    head: ["run", "at, s", "resident, MB"],
    rows: runs.flatMap(({ label, memory }) => memory.map(([at, mb]) => [label, seconds(at), mb.toFixed(3)]))
  })
}
