import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const read = (name: string) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"))

interface Locked {
  readonly resolved?: string
  readonly optionalDependencies?: Record<string, string>
}

describe("package-lock.json", () => {
  const packages: Record<string, Locked> = read("package-lock.json").packages

  it("names no registry", () => {
    for (const [name, { resolved }] of Object.entries(packages)) assert.isUndefined(resolved, name)
  })

  it("has the packages of every platform, without which an install stops where a registry lacks one", () => {
    for (const [name, { optionalDependencies = {} }] of Object.entries(packages)) {
      for (const optional of Object.keys(optionalDependencies)) {
        assert.isTrue(`node_modules/${optional}` in packages, `${optional}, of ${name}`)
      }
    }
  })
})

describe("package.json", () => {
  it("pins every dependency exactly", () => {
    const { dependencies, devDependencies } = read("package.json")
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.match(String(version), /^\d+\.\d+\.\d+(-beta\.\d+)?$/, name)
    }
  })
})
