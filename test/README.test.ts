import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import fs from "node:fs/promises"
import os from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { median } from "simple-statistics"
import { RunRecord } from "../lib/mod.ts"
import { withFigures } from "../scripts/readme.ts"

const root = path.join(import.meta.dirname, "..")

const read = (name: string) => readFileSync(path.join(root, name), "utf8")

/** The median of one script's jobs. */
const cpuMs = ({ runs }: RunRecord.ComparisonRecord, name: string) =>
  median(runs.find(({ script }) => script === name)!.jobs.map((job) => job.cpuMs!))

describe("README", () => {
  const readComparison = (name: string) =>
    Schema.decodeSync(Schema.fromJsonString(RunRecord.ComparisonRecord))(read(`results/reference/${name}`))
  const comparison = readComparison("compare.json")
  const simd = readComparison("compare-simd.json")

  const bench = Schema.decodeSync(Schema.fromJsonString(RunRecord.BenchRecord))(read("results/reference/bench.json"))

  it("shows the figures of the reference records, as npm run readme puts them there", () => {
    const readme = read("README.md")
    assert.strictEqual(withFigures(readme, { comparison, simd, bench }), readme)
    for (const { script } of comparison.runs) assert.include(readme, `| \`${script}\` |`)
    for (const { name } of bench.cases) assert.include(readme, `- \`${name}\`: `)
  })

  it("is left alone where it has no place for a figure", () => {
    const readme = read("README.md")
    for (const mark of ["<!-- finding -->", "<!-- end of simd -->"]) {
      assert.throws(() => withFigures(readme.replace(mark, ""), { comparison, simd, bench }), mark)
    }
  })

  it("says nothing of the finding that the reference records do not bear out", () => {
    for (const { parameters, script, summary } of comparison.runs) {
      const array = Number(parameters["count"]) * 8
      const slope = summary.rssSlopeBytesPerJob / array
      if (script === "eager") assert.approximately(slope, 1, 0.05)
      else assert.isBelow(slope, 0.01, script)
      const arrays = { lazy: 6, remove: 6, loan: 3.1 }[script]
      const growth = (summary.peakRssBytes - summary.baselineRssBytes) / array
      if (arrays !== undefined) assert.isAtMost(growth, arrays, script)
    }
  })

  it("says nothing of WebAssembly that the reference records do not bear out", () => {
    assert.isAbove(cpuMs(comparison, "loan") / cpuMs(simd, "loan"), 40)
    assert.isAbove(cpuMs(simd, "lazy") / cpuMs(simd, "loan"), 3)
    const walls = simd.runs.toSorted((a, b) => a.summary.wallMs - b.summary.wallMs)
    assert.strictEqual(walls[0]!.script, "loan")
    assert.strictEqual(simd.parameters["kernel"], "simd")
  })

  it("has a first program that prints what it says", async () => {
    const [, program] = /```ts\n(.*?)```/s.exec(read("README.md"))!
    const folder = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), "readme-")))
    for (const name of ["lib", "node_modules"]) await fs.symlink(path.join(root, name), path.join(folder, name))
    await fs.mkdir(path.join(folder, "scripts"))
    await fs.writeFile(path.join(folder, "package.json"), `{ "type": "module" }`)
    await fs.writeFile(path.join(folder, "scripts", "primes.ts"), program!)
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(folder, "scripts", "primes.ts")])
    assert.strictEqual(stdout, "true\ntrue\nfalse\n")
    await fs.rm(folder, { recursive: true })
  })
})
