import type { Bar } from "./benchesOf.ts"
import { type Chart, colorOf, common } from "./chart.ts"
import { whiskers } from "./whiskers.ts"

/** The subjects of each benchmark case: the median as a bar, and how far the samples spread. */
export const benchmarks: Chart = {
  id: "benchmarks",
  title: "Benchmarks",
  caption:
    "The median of the samples of each, and from the least to the most of them: ours in green, what there is at " +
    "least to pay in violet, the others in grey.",
  zooms: false,
  describe: ({ benches }) =>
    benches.map(({ measure, name, subjects }) =>
      `${name}, ${measure}: ${subjects.map(({ middle, name }) => `${name} ${short(middle)}`).join(", ")}`
    ).join("; "),
  heightPx: ({ benches }) => layout(benches).height,
  option: ({ benches }) => {
    const { tops } = layout(benches)
    return {
      ...common([]),
      title: benches.map(({ description, measure, name }, n) => ({
        text: `${name} (${measure})`,
        subtext: description,
        top: tops[n]! - titlePx,
        itemGap: 8,
        textStyle: { fontSize: 14 }
      })),
      grid: benches.map(({ subjects }, n) => ({ top: tops[n], height: barPx * subjects.length, left: 160, right: 30 })),
      xAxis: benches.map((_, n) => ({ type: "value", gridIndex: n, min: 0, axisLabel: { hideOverlap: true } })),
      yAxis: benches.map(({ subjects }, n) => ({ ...names(subjects), gridIndex: n })),
      series: benches.flatMap(({ name, subjects }, n) => [
        {
          type: "bar",
          name,
          xAxisIndex: n,
          yAxisIndex: n,
          data: subjects.map(({ middle, role }) => ({ value: middle, itemStyle: { color: colors[role] } }))
        },
        { ...whiskers(subjects, n), name: `${name}, spread` }
      ])
    }
  },
  table: ({ benches }) => ({
    head: ["case", "subject", "figure", "median", "least", "most", "samples"],
    rows: benches.flatMap(({ measure, name, subjects }) =>
      subjects.map((subject) => [name, subject.name, measure, ...numbers(subject)])
    )
  })
}

/** How ours stand beside the best peer of each case. */
export const standing: Chart = {
  id: "standing",
  title: "Beside the best peer",
  caption: "How many times as good as the best peer, round by round: the median, and from the least to the most.",
  zooms: false,
  describe: ({ benches }) =>
    benches.flatMap(({ advantages, name }) => advantages.map((ours) => `${name}, ${ours.name}: ${times(ours.middle)}`))
      .join("; "),
  heightPx: ({ benches }) => barPx * benches.flatMap(({ advantages }) => advantages).length + 60,
  option: ({ benches }) => {
    const bars = benches.flatMap(({ advantages, name }) => advantages.map((ours) => ({ ...ours, name })))
    return {
      ...common([]),
      grid: { top: 10, bottom: 40, left: 160, right: 40 },
      xAxis: {
        type: "log",
        axisLabel: { hideOverlap: true },
        // Bars begin where ours is as good.
        startValue: 1,
        min: ({ min }: { readonly min: number }) => Math.min(0.5, min),
        name: "times as good as the best peer",
        nameLocation: "middle",
        nameGap: 24
      },
      yAxis: names(bars),
      series: [
        { type: "bar", name: "median", itemStyle: { color: colors.ours }, data: bars.map(({ middle }) => middle) },
        { ...whiskers(bars, 0), name: "spread" }
      ]
    }
  },
  table: ({ benches }) => ({
    head: ["case", "ours to the best peer", "median", "least", "most", "rounds"],
    rows: benches.flatMap(({ advantages, name }) => advantages.map((ours) => [name, ours.name, ...numbers(ours)]))
  })
}

const colors = { ours: colorOf(0), floor: colorOf(2), peer: colorOf(7) }

const [titlePx, barPx, axisPx] = [52, 24, 34]

const layout = (benches: ReadonlyArray<{ readonly subjects: ReadonlyArray<unknown> }>) => {
  let height = 0
  const tops = benches.map(({ subjects }) => {
    const top = height + titlePx
    height = top + barPx * subjects.length + axisPx
    return top
  })
  return { tops, height }
}

/** An axis of names with numbers. */
const names = (bars: ReadonlyArray<Bar>) => ({
  type: "category",
  inverse: true,
  axisTick: { show: false },
  axisLabel: { width: 150, overflow: "truncate" },
  data: bars.map(({ middle, name }) => `${name}  ${short(middle)}`)
})

const numbers = ({ least, middle, most, samples }: Bar) => [short(middle), short(least), short(most), `${samples}`]

const short = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 3 })

const times = (ratio: number) => `${short(ratio)} times`
