import type { CustomSeriesRenderItem } from "echarts/types/dist/shared"
import type { Bar } from "./benchesOf.ts"

const stroke = (x1: number, y1: number, x2: number, y2: number) => ({
  type: "line" as const,
  shape: { x1, y1, x2, y2 },
  style: { stroke: "gray", lineWidth: 1.5 }
})

const whisker: CustomSeriesRenderItem = (_, api) => {
  const [from, y] = api.coord([api.value(1), api.value(0)]) as [number, number]
  const [to] = api.coord([api.value(2), api.value(0)]) as [number]
  const half = 0.2 * (api.size!([0, 1]) as Array<number>)[1]!
  return {
    type: "group",
    children: [stroke(from, y, to, y), stroke(from, y - half, from, y + half), stroke(to, y - half, to, y + half)]
  }
}

/** A series that shows beside horizontal bars how far their samples spread. */
export const whiskers = (bars: ReadonlyArray<Bar>, axis: number) => ({
  type: "custom",
  xAxisIndex: axis,
  yAxisIndex: axis,
  renderItem: whisker,
  encode: { x: [1, 2], y: 0 },
  data: bars.map(({ least, most }, row) => [row, least, most]),
  tooltip: { show: false }
})
