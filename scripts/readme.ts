#!/usr/bin/env -S npx tsx
/**
 * Writes the figures of the reference records into README, between the comments that say where they go.
 *
 *     npm run readme
 */
import "./shared/require-node.js"
import { Effect, FileSystem, Path, Schema } from "effect"
import { Command } from "effect/cli"
import { RunRecord } from "../lib/mod.ts"
import * as benchFigures from "./shared/bench-figures.ts"
import * as figures from "./shared/figures.ts"
import { main } from "./shared/main.ts"

export const command = Command.make(
  "readme",
  {},
  Effect.fn("readme")(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const root = path.join(import.meta.dirname, "..")
    const record = <A, R>(name: string, schema: Schema.Codec<A, unknown, R>) =>
      fs.readFileString(path.join(root, "results", "reference", name)).pipe(
        Effect.flatMap(Schema.decodeEffect(Schema.fromJsonString(schema)))
      )
    const comparison = yield* record("compare.json", RunRecord.ComparisonRecord)
    const simd = yield* record("compare-simd.json", RunRecord.ComparisonRecord)
    const bench = yield* record("bench.json", RunRecord.BenchRecord)
    const file = path.join(root, "README.md")
    const readme = yield* fs.readFileString(file)
    yield* fs.writeFileString(file, withFigures(readme, { comparison, simd, bench }))
  })
).pipe(Command.withDescription("Write the figures of the reference records into README"))

/** README with the figures of these records in place of those that it has. */
export const withFigures = (
  readme: string,
  { bench, comparison, simd }: {
    readonly comparison: RunRecord.ComparisonRecord
    readonly simd: RunRecord.ComparisonRecord
    readonly bench: RunRecord.BenchRecord
  }
): string => {
  const cases = bench.cases.map(({ description, name }) => `- \`${name}\`: ${description}.`)
  const benchmark = figures.markdownTable(benchFigures.heads, bench.cases.flatMap(benchFigures.rows))
  const texts = {
    finding: figures.comparison(comparison.runs, figures.markdownTable),
    benchmark: `${benchmark}\n\n${cases.join("\n")}`,
    simd: figures.comparison(simd.runs, figures.markdownTable)
  }
  return Object.entries(texts).reduce((text, [name, figures]) => replace(text, name, figures), readme)
}

const replace = (readme: string, name: string, text: string) => {
  const [begin, end] = [`<!-- ${name} -->\n`, `\n<!-- end of ${name} -->`]
  const [before, rest] = split(readme, begin)
  const [, after] = split(rest, end)
  return `${before}${begin}\n${text}\n${end}${after}`
}

const split = (text: string, mark: string): [string, string] => {
  const at = text.indexOf(mark)
  if (at === -1) throw new Error(`README.md has no line ${mark.trim()}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}

if (import.meta.main) main(command)
