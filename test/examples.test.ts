/** The examples in the doc comments of the library, run as its reader would. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import fs from "node:fs/promises"
import os from "node:os"
import path from "node:path"
import { promisify } from "node:util"

const library = new URL("../lib/", import.meta.url)

const packages: Record<string, string> = {
  "effect": import.meta.resolve("effect"),
  "effect-futures": new URL("mod.ts", library).href,
  "effect-futures/jobs/sin": new URL("jobs/sin.ts", library).href
}

/** The code of each `@example`, without the comment's margin. */
const examplesIn = (source: string): Array<string> =>
  [...source.matchAll(/@example\n \* ```ts\n(.*?) \* ```/gs)].map(([, code]) => code!.replaceAll(/^ \* ?/gm, ""))

/** The example as a program that exits with an error unless its last expression has the value that it tells. */
const toProgram = (example: string): string => {
  const imported = example.replaceAll(
    /from "(.+?)"/g,
    (whole, name: string) => name in packages ? `from ${JSON.stringify(packages[name])}` : whole
  )
  const [, before, expression, value] = /^(.*\n\n)(.+) \/\/ => (.+)\n$/s.exec(imported)!
  return `import { deepStrictEqual } from "node:assert"\n${before}deepStrictEqual(${expression}, ${value})\n`
}

const files = (await fs.readdir(library)).filter((name) => name.endsWith(".ts"))
const examples = await Promise.all(files.map(async (file) => {
  const found = examplesIn(await fs.readFile(new URL(file, library), "utf8"))
  return found.map((example, index) => ({ name: `lib/${file}, example ${index + 1}`, example }))
}))

describe("the examples in doc comments", () => {
  it("are found", () => {
    assert.isAtLeast(examples.flat().length, 5)
  })

  for (const { example, name } of examples.flat()) {
    it.concurrent(`${name} gives what it says`, async () => {
      const directory = await fs.mkdtemp(path.join(os.tmpdir(), "effect-futures-"))
      try {
        const file = path.join(directory, "example.ts")
        await fs.writeFile(file, toProgram(example))
        await promisify(execFile)(process.execPath, [file])
      } finally {
        await fs.rm(directory, { recursive: true })
      }
    })
  }
})
