import type { CustomSeriesRenderItem } from "echarts/types/dist/shared"
import { counted } from "../shared/words.ts"
import { type Chart, common, seconds, timeAxis, zoom } from "./chart.ts"
import type { Plots } from "./plots.ts"

/** Which worker ran what, and when. */
export const lanes: Chart = {
  id: "lanes",
  title: "Workers",
  caption: "Each lane is a worker, each block a job, or many where they are too short to be seen. A paler block was " +
    "busy for a part of its time only; a hollow one has a job that did not succeed.",
  zooms: true,
  describe: ({ runs }) =>
    runs.map(({ jobs, label, lanes }) =>
      `${label}: ${jobs.succeeded} of ${counted(jobs.all, "job")} succeeded, on ` +
      `${counted(lanes.lanes.length, "worker")} at a time` +
      (lanes.omittedJobs > 0 ? ` and ${counted(lanes.omittedJobs, "job")} on further workers, not drawn` : "")
    ).join("; "),
  heightPx: (plots) => 130 + 18 * namesOf(plots).length,
  option: (plots) => ({
    ...common(plots.runs.map(({ label }) => label)),
    grid: { top: 40, left: 120, right: 30, bottom: 80 },
    xAxis: timeAxis(plots),
    yAxis: {
      type: "category",
      data: namesOf(plots),
      inverse: true,
      axisTick: { show: false },
      axisLabel: { width: 105, overflow: "truncate" }
    },
    dataZoom: zoom,
    series: plots.runs.map(({ label, lanes: { lanes } }, run) => {
      const above = plots.runs.slice(0, run).reduce((sum, { lanes }) => sum + lanes.lanes.length, 0)
      return {
        type: "custom",
        name: label,
        clip: true,
        renderItem: block,
        encode: { x: [0, 1], y: 2 },
        data: lanes.flatMap((lane, n) =>
          lane.map(({ busy, from, to, unsuccessful }) => [from, to, above + n, busy, unsuccessful])
        ),
        tooltip: {
          formatter: ({ dataIndex }: { readonly dataIndex: number }) => {
            const { firstJob, from, jobs, to, unsuccessful, worker } = lanes.flat()[dataIndex]!
            return [
              jobs === 1 ? `job ${firstJob}, worker ${worker}` : `${jobs} jobs, the first is ${firstJob}`,
              `${seconds(from)} to ${seconds(to)} s`,
              ...(unsuccessful > 0 ? [`${unsuccessful} did not succeed`] : [])
            ].join("\n")
          }
        }
      }
    })
  }),
  table: ({ runs }) => ({
    head: ["run", "lane", "from, s", "to, s", "jobs", "first job", "worker", "busy", "did not succeed"],
    rows: runs.flatMap(({ label, lanes: { lanes } }) =>
      lanes.flatMap((lane, n) =>
        lane.map(({ busy, firstJob, from, jobs, to, unsuccessful, worker }) => [
          label,
          `${n + 1}`,
          seconds(from),
          seconds(to),
          `${jobs}`,
          `${firstJob}`,
          jobs === 1 ? `${worker}` : "",
          `${(busy * 100).toFixed(0)} %`,
          `${unsuccessful}`
        ])
      )
    )
  })
}

const namesOf = ({ runs }: Plots) => runs.flatMap(({ label, lanes }) => lanes.lanes.map((_, n) => `${label} ${n + 1}`))

const block: CustomSeriesRenderItem = (_, api) => {
  const [left, y] = api.coord([api.value(0), api.value(2)]) as [number, number]
  const [right] = api.coord([api.value(1), api.value(2)]) as [number]
  const height = 0.7 * (api.size!([0, 1]) as Array<number>)[1]!
  const color = api.visual("color") as string
  const isHollow = Number(api.value(4)) > 0
  return {
    type: "rect",
    shape: { x: left, y: y - height / 2, width: Math.max(1, right - left - 0.5), height },
    style: {
      fill: isHollow ? "none" : color,
      opacity: Math.max(0.3, Number(api.value(3))),
      stroke: isHollow ? color : "none"
    }
  }
}
