/**
 * What the charts have in common. They are drawn by ECharts from plain options: to an SVG without a browser, and in the
 * page.
 */
import { schemeDark2 } from "d3-scale-chromatic"
import { BarChart, CustomChart, LineChart } from "echarts/charts"
import {
  DataZoomInsideComponent,
  DataZoomSliderComponent,
  GridComponent,
  LegendComponent,
  TitleComponent,
  TooltipComponent
} from "echarts/components"
import { type EChartsCoreOption, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import type { Plots } from "./plots.ts"

use([
  BarChart,
  CustomChart,
  LineChart,
  DataZoomInsideComponent,
  DataZoomSliderComponent,
  GridComponent,
  LegendComponent,
  TitleComponent,
  TooltipComponent,
  SVGRenderer
])

export interface Chart {
  /** What it is called in the page's address. */
  readonly id: string
  readonly title: string
  /** How to read it. */
  readonly caption: string
  /** What it shows, for who does not see it; empty where there is nothing to draw. */
  readonly describe: (plots: Plots) => string
  readonly heightPx: (plots: Plots) => number
  readonly option: (plots: Plots) => EChartsCoreOption
  /** The numbers that are drawn. */
  readonly table: (plots: Plots) => Table
  /** Whether it has a time axis of the run. */
  readonly zooms: boolean
}

export interface Table {
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

/** The colour of the run with this number, alike in all charts. */
export const colorOf = (run: number): string => schemeDark2[run % schemeDark2.length]!

/** What all charts have, with a legend of these names. */
export const common = (names: ReadonlyArray<string>): EChartsCoreOption => ({
  animation: false,
  backgroundColor: "transparent",
  color: [...schemeDark2],
  legend: { data: [...names], top: 0 },
  tooltip
})

/** Not as HTML: nothing that stands in a record is ever read as such. */
export const tooltip = { renderMode: "richText", confine: true } as const

/** The time axis of the runs, alike in all charts that zoom. */
export const timeAxis = ({ runs }: Plots) => ({
  type: "value",
  name: "seconds since the run began",
  nameLocation: "middle",
  nameGap: 28,
  axisLabel: { showMaxLabel: false, hideOverlap: true },
  min: 0,
  max: runs.reduce((most, { record }) => Math.max(most, record.summary.wallMs / 1000), 0)
})

/** With the wheel and Ctrl, by two fingers, or by the ends of the bar below. */
export const zoom = [
  { type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: false },
  { type: "slider", filterMode: "none", showDetail: false, height: 20, bottom: 8 }
]

/** To the millisecond. */
export const seconds = (value: number): string => value.toFixed(3)
