#!/usr/bin/env -S npx tsx
/**
 * Draws the charts that README shows from the records in results/reference/, and leaves them there.
 *
 *     npm run plots
 */
import "./shared/require-node.js"
import { Console, Effect, FileSystem } from "effect"
import { Command } from "effect/cli"
import path from "node:path"
import { benchmarks, standing } from "./plots/benchmarks.ts"
import { memory } from "./plots/memory.ts"
import { plots } from "./plots/plots.ts"
import { read } from "./plots/read.ts"
import { svg } from "./plots/svg.ts"
import { main, UsageError } from "./shared/main.ts"
import { resultFolder } from "./shared/place.ts"

const reference = path.join(resultFolder, "reference")

/** Of each the first chart is drawn that has something to show: a benchmark need not have peers. */
const drawings = [
  { name: "memory.svg", charts: [memory], records: ["eager.json", "lazy.json", "remove.json", "loan.json"] },
  { name: "bench.svg", charts: [standing, benchmarks], records: ["bench.json"] }
]

/** The drawings, each with the file that it belongs into. */
export const draw = Effect.forEach(
  drawings,
  Effect.fnUntraced(function*({ charts, name, records }) {
    const contents = yield* read(records.map((record) => path.join(reference, record)))
    for (const { file, reason } of contents.unreadable) return yield* Effect.fail(new UsageError(`${file}: ${reason}`))
    const drawn = plots(contents)
    const chart = charts.find(({ describe }) => describe(drawn) !== "") ?? charts[0]!
    return { file: path.join(reference, name), text: svg(chart, drawn) }
  })
)

export const command = Command.make(
  "plots",
  {},
  Effect.fn("plots")(function*() {
    const fs = yield* FileSystem.FileSystem
    for (const { file, text } of yield* draw) {
      yield* fs.writeFileString(file, text)
      yield* Console.log(file)
    }
  })
).pipe(Command.withDescription("Draw the charts of README from the reference records"))

if (import.meta.main) main(command)
