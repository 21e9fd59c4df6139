import { init } from "echarts/core"
import type { Chart } from "./chart.ts"
import type { Plots } from "./plots.ts"

/** A chart as an SVG that stands alone, on white, the same for the same plots. */
export const svg = (chart: Chart, plots: Plots): string => {
  const drawn = init(null, null, { renderer: "svg", ssr: true, width: 800, height: chart.heightPx(plots) })
  drawn.setOption({ ...chart.option(plots), backgroundColor: "white", dataZoom: [] })
  const text = drawn.renderToSVGString()
  drawn.dispose()
  // Classes are numbered through the whole process, and only say what changes under a pointer.
  return `${text.replaceAll(/ class="zr[^"]*"/g, "").replace(/<style >.*?<\/style>\n?/s, "")}\n`
}
