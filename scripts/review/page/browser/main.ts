/** What runs in the page. */
import { connect } from "echarts/core"
import { colorOf } from "../../../plots/chart.ts"
import { charts } from "../../../plots/charts.ts"
import type { Plots } from "../../../plots/plots.ts"
import { parametersOf } from "../../../shared/words.ts"
import type { Update } from "../../watch.ts"
import type { Shown } from "../html.ts"
import { type Content, element, tabulate } from "./element.ts"
import { Figure, type Theme, type Window, zoomGroup } from "./Figure.ts"

const { isLive, plots }: Shown = JSON.parse(document.getElementById("shown")!.textContent)

const moves: ReadonlyArray<readonly [name: string, move: (seen: Window) => Window]> = [
  ["Zoom in", ({ end, start }) => ({ start: start + (end - start) / 4, end: end - (end - start) / 4 })],
  ["Zoom out", ({ end, start }) => ({ start: start - (end - start) / 2, end: end + (end - start) / 2 })],
  ["Earlier", ({ end, start }) => shifted({ start, end }, -(end - start) / 2)],
  ["Later", ({ end, start }) => shifted({ start, end }, (end - start) / 2)],
  ["Whole run", () => ({ start: 0, end: 100 })]
]

const shifted = ({ end, start }: Window, by: number): Window => {
  const within = Math.max(-start, Math.min(100 - end, by))
  return { start: start + within, end: end + within }
}

const dark = matchMedia("(prefers-color-scheme: dark)")
const print = matchMedia("print")
const theme = (): Theme => dark.matches && !print.matches ? "dark" : "default"

connect(zoomGroup)
const figures = charts.map((chart) => {
  const figure: Figure = new Figure(
    chart,
    theme(),
    moves.map(([name, move]) => {
      const button = element("button", { type: "button" }, name)
      button.addEventListener("click", () => {
        const { end, start } = move(figure.window())
        figure.zoom({ start: Math.max(0, start), end: Math.min(100, end) })
      })
      return button
    })
  )
  return figure
})

const status = element("p", { role: "status" })
const legend = element("div", { class: "legend" })

/** A part of the page with a title, seen once there is something in it. */
const section = (id: string, title: string, ...children: ReadonlyArray<Node>) => {
  const made = element(
    "section",
    { "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    ...children
  )
  made.hidden = true
  return made
}

const runs = section("runs", "Runs")
const environments = section("environment", "Environment")
const unreadable = section("unreadable", "What cannot be read")
const list = element("ul")
const records = section("records", "Records", list)

const hidden = new Set<string>()
let shown = plots

const draw = () => {
  const selected = Object.fromEntries(shown.runs.map(({ label }) => [label, !hidden.has(label)]))
  for (const figure of figures) figure.show(shown, selected)
}

const show = (plots: Plots) => {
  shown = plots
  const labels = plots.runs.map(({ label }) => label)
  if (labels.join("\n") !== legend.dataset["labels"]) {
    legend.dataset["labels"] = labels.join("\n")
    legend.replaceChildren(...labels.length === 0 ? [] : [fieldset(labels)])
  }
  draw()
  fill(runs, "Figures of the runs", figuresOf(plots))
  fill(environments, "Where the runs took place", environmentsOf(plots))
  fill(unreadable, "What cannot be read", {
    head: ["file", "problem"],
    rows: plots.unreadable.map(({ file, reason }) => [file, reason])
  })
}

const fill = (section: HTMLElement, caption: string, content: Content) => {
  section.hidden = content.rows.length === 0
  tabulate(section, caption, content)
}

const fieldset = (labels: ReadonlyArray<string>) =>
  element(
    "fieldset",
    {},
    element("legend", {}, "Runs in the charts"),
    ...labels.map((label, run) => {
      const box = element("input", { type: "checkbox" })
      box.checked = !hidden.has(label)
      box.addEventListener("change", () => {
        hidden[box.checked ? "delete" : "add"](label)
        draw()
      })
      const swatch = element("span", { class: "swatch", "aria-hidden": "true" })
      swatch.style.backgroundColor = colorOf(run)
      return element("label", {}, box, swatch, label)
    })
  )

const figuresOf = ({ figures, runs }: Plots): Content => ({
  head: ["run", "status", "started", "jobs", "succeeded", "parameters", ...figures],
  rows: runs.map(({ figures, jobs, label, record, status }) => [
    label,
    status,
    record.startedAt,
    `${jobs.all}`,
    `${jobs.succeeded}`,
    parametersOf(record),
    ...figures
  ])
})

const recordsOf = ({ places, runs }: Plots) => [
  ...runs.map(({ label, record: { environment } }) => ({ label, environment })),
  ...places.map(({ environment, script, startedAt }) => ({ label: `${script} ${startedAt}`, environment }))
]

/** A column for all that took place alike. */
const environmentsOf = (plots: Plots): Content => {
  const alike = [...Map.groupBy(recordsOf(plots), ({ environment }) => JSON.stringify(environment)).values()]
  const names = Object.keys(alike[0]?.[0]!.environment ?? {})
  return {
    head: ["", ...alike.map((records) => records.map(({ label }) => label).join(", "))],
    rows: names.map((name) => [
      name,
      ...alike.map(([first]) => `${(first!.environment as Record<string, unknown>)[name] ?? "none"}`)
    ])
  }
}

/** Tells who is running, and only when that changes: it is read out. */
const say = (text: string) => {
  if (status.textContent !== text) status.textContent = text
}

const showFiles = (files: ReadonlyArray<string>) => {
  records.hidden = files.length === 0
  if (list.dataset["files"] === files.join("\n")) return
  list.dataset["files"] = files.join("\n")
  list.replaceChildren(
    ...files.map((file) => element("li", {}, element("a", { href: `./${encodeURIComponent(file)}` }, file)))
  )
}

/** Follows what the server tells. A page that nobody looks at lets go of its connection, of which there are few. */
const follow = () => {
  let events: EventSource | undefined
  const look = () => {
    events?.close()
    if (document.hidden) return
    events = new EventSource("events")
    events.addEventListener("message", ({ data }: MessageEvent<string>) => {
      const { files, plots }: Update = JSON.parse(data)
      show(plots)
      const running = plots.runs.filter(({ status }) => status === "running").map(({ label }) => label)
      say(running.length === 0 ? "No run is in progress." : `In progress: ${running.join(", ")}.`)
      showFiles(files)
    })
    events.addEventListener("error", () => say("Not connected: what is shown may be old."))
  }
  document.addEventListener("visibilitychange", look)
  look()
}

document.body.append(
  element("header", {}, element("h1", {}, isLive ? "Runs, live" : "Runs"), status),
  element("main", {}, runs, legend, ...figures.map(({ section }) => section), environments, unreadable, records)
)

const paint = () => {
  for (const figure of figures) figure.paint(theme())
}
dark.addEventListener("change", paint)
print.addEventListener("change", paint)
show(plots)
if (isLive) follow()
