import type { CustomSeriesRenderItem } from "echarts/types/dist/shared"
import { median } from "simple-statistics"
import type { RunRecord } from "../../lib/mod.ts"
import { type Chart, colorOf, common } from "./chart.ts"
import type { Plots } from "./plots.ts"

/** The subjects of each benchmark case: the median as a bar, and how far the samples spread. */
export const benchmarks: Chart = {
  id: "benchmarks",
  title: "Benchmarks",
  caption: "The median of the samples of each, and from the least to the most of them.",
  zooms: false,
  describe: (plots) =>
    casesOf(plots).map(({ name, subjects, unit }) =>
      `${name}, ${unit}: ${subjects.map(({ middle, name }) => `${name} ${short(middle)}`).join(", ")}`
    ).join("; "),
  heightPx: (plots) => layout(casesOf(plots)).height,
  option: (plots) => {
    const cases = casesOf(plots)
    const names = [...new Set(cases.flatMap(({ subjects }) => subjects.map(({ name }) => name)))]
    const { tops } = layout(cases)
    return {
      ...common([]),
      legend: { show: false },
      title: cases.map(({ description, name, unit }, n) => ({
        text: `${name} (${unit})`,
        subtext: description,
        top: tops[n]! - titlePx,
        itemGap: 4,
        textStyle: { fontSize: 14 }
      })),
      grid: cases.map(({ subjects }, n) => ({ top: tops[n], height: barPx * subjects.length, left: 160, right: 30 })),
      xAxis: cases.map((_, n) => ({ type: "value", gridIndex: n, min: 0, splitNumber: 4 })),
      yAxis: cases.map(({ subjects }, n) => ({
        type: "category",
        gridIndex: n,
        inverse: true,
        axisTick: { show: false },
        axisLabel: { width: 150, overflow: "truncate" },
        data: subjects.map(({ middle, name }) => `${name}  ${short(middle)}`)
      })),
      series: cases.flatMap(({ name, subjects }, n) => [
        {
          type: "bar",
          name,
          xAxisIndex: n,
          yAxisIndex: n,
          data: subjects.map(({ middle, name }) => ({
            value: middle,
            itemStyle: { color: colorOf(names.indexOf(name)) }
          }))
        },
        {
          type: "custom",
          name: `${name}, spread`,
          xAxisIndex: n,
          yAxisIndex: n,
          renderItem: whisker,
          encode: { x: [1, 2], y: 0 },
          data: subjects.map(({ least, most }, row) => [row, least, most]),
          tooltip: { show: false }
        }
      ])
    }
  },
  table: (plots) => ({
    head: ["case", "subject", "unit", "median", "least", "most", "samples"],
    rows: casesOf(plots).flatMap(({ name, subjects, unit }) =>
      subjects.map((subject) => [
        name,
        subject.name,
        unit,
        short(subject.middle),
        short(subject.least),
        short(subject.most),
        `${subject.samples}`
      ])
    )
  })
}

const casesOf = ({ benchmarks }: Plots) => benchmarks.flatMap(({ cases }) => cases).map(numbersOf)

/** Milliseconds, or jobs a second where each sample did as many jobs as it had time for. */
const numbersOf = ({ description, name, subjects }: RunRecord.BenchCase) => {
  const areRates = subjects.every(({ samples }) => samples.every(({ jobs }: Sample) => jobs !== undefined))
  const valueOf = ({ jobs = 1, wallMs }: Sample) => areRates ? jobs / wallMs * 1000 : wallMs
  return {
    name,
    description,
    unit: areRates ? "jobs a second, more is better" : "ms, less is better",
    subjects: subjects.filter(({ samples }) => samples.length > 0).map(({ name, samples }) => {
      const values = samples.map(valueOf)
      return {
        name,
        samples: values.length,
        middle: median(values),
        least: Math.min(...values),
        most: Math.max(...values)
      }
    })
  }
}

type Sample = RunRecord.BenchSample & { readonly jobs?: number }

const [titlePx, barPx, axisPx] = [48, 24, 34]

const layout = (cases: ReadonlyArray<{ readonly subjects: ReadonlyArray<unknown> }>) => {
  let height = 0
  const tops = cases.map(({ subjects }) => {
    const top = height + titlePx
    height = top + barPx * subjects.length + axisPx
    return top
  })
  return { tops, height }
}

const short = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 3 })

const whisker: CustomSeriesRenderItem = (_, api) => {
  const [from, y] = api.coord([api.value(1), api.value(0)]) as [number, number]
  const [to] = api.coord([api.value(2), api.value(0)]) as [number]
  const half = 0.2 * (api.size!([0, 1]) as Array<number>)[1]!
  const style = { stroke: "gray", lineWidth: 1.5 }
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: "line" as const,
    shape: { x1, y1, x2, y2 },
    style
  })
  return {
    type: "group",
    children: [line(from, y, to, y), line(from, y - half, from, y + half), line(to, y - half, to, y + half)]
  }
}
