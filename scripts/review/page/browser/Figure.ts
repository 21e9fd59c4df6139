import { type EChartsType, init } from "echarts/core"
import type { Chart } from "../../../plots/chart.ts"
import type { Plots } from "../../../plots/plots.ts"
import { element, tabulate } from "./element.ts"

/** What part of a time axis is seen, in percent. */
export interface Window {
  readonly start: number
  readonly end: number
}

export type Theme = "default" | "dark"

/** A chart with its title, the buttons that move it, and its numbers in a table. */
export class Figure {
  readonly section: HTMLElement
  readonly #chart: Chart
  readonly #place = element("div", { class: "chart", role: "img" })
  readonly #details: HTMLDetailsElement
  #drawn: EChartsType
  #plots: Plots | undefined
  #selected: Record<string, boolean> = {}

  constructor(chart: Chart, theme: Theme, tools: ReadonlyArray<HTMLElement>) {
    this.#chart = chart
    this.#details = element("details", {}, element("summary", {}, `The numbers of “${chart.title}”`))
    this.#details.addEventListener("toggle", () => this.#tabulate())
    this.section = element(
      "section",
      { id: chart.id, "aria-labelledby": `${chart.id}-title` },
      element("h2", { id: `${chart.id}-title` }, chart.title),
      element("p", {}, chart.caption),
      ...(chart.zooms ? [element("div", { class: "tools", role: "group", "aria-label": "Zoom" }, ...tools)] : []),
      this.#place,
      this.#details
    )
    this.section.hidden = true
    this.#drawn = this.#begin(theme)
    new ResizeObserver(() => this.#fit()).observe(this.#place)
  }

  /** Draws anew, without the runs that are not selected. */
  show(plots: Plots, selected: Record<string, boolean>): void {
    this.#plots = plots
    this.#selected = selected
    const said = this.#chart.describe(plots)
    this.section.hidden = said === ""
    if (this.section.hidden) return
    this.#place.setAttribute("aria-label", `${this.#chart.title}. ${said}`)
    this.#place.style.height = `${this.#chart.heightPx(plots)}px`
    this.#fit()
    this.#drawn.setOption(
      { ...this.#chart.option(plots), legend: { show: false, selected } },
      { replaceMerge: ["series", "grid", "xAxis", "yAxis", "title"] }
    )
    this.#tabulate()
  }

  /** A chart has one theme for its life, so this begins another. */
  paint(theme: Theme): void {
    const seen = this.window()
    this.#drawn.dispose()
    this.#drawn = this.#begin(theme)
    if (this.#plots === undefined) return
    this.show(this.#plots, this.#selected)
    this.zoom(seen)
  }

  window(): Window {
    const [seen] = (this.#drawn.getOption()?.["dataZoom"] ?? []) as ReadonlyArray<Window>
    return seen ?? { start: 0, end: 100 }
  }

  /** Moves this chart and all others that zoom. */
  zoom({ end, start }: Window): void {
    this.#drawn.dispatchAction({ type: "dataZoom", start, end })
  }

  #begin(theme: Theme) {
    const begun = init(this.#place, theme, { renderer: "svg" })
    if (this.#chart.zooms) begun.group = zoomGroup
    return begun
  }

  #fit() {
    if (this.#place.clientWidth > 0) this.#drawn.resize()
  }

  #tabulate() {
    if (!this.#details.open || this.#plots === undefined) return
    tabulate(this.#details, this.#chart.title, this.#chart.table(this.#plots))
  }
}

/** What is zoomed in one of these charts is zoomed in all, see `echarts.connect`. */
export const zoomGroup = "time"
