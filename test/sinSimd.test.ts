import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import fs from "node:fs/promises"
import os from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import * as sinKernel from "../lib/internal/sinKernel.ts"
import { sin } from "../lib/jobs/sin.ts"
import { maxCount, sinSimd } from "../lib/jobs/sinSimd.ts"
import { Executor, type Job, ThreadExecutor } from "../lib/mod.ts"
import packageJson from "../package.json" with { type: "json" }

const pair = new Float64Array(2)
const bits = new BigInt64Array(pair.buffer)

/** How many doubles `a` is from `b`; of different signs, very many. */
const unitsBetween = (a: number, b: number) => {
  if (a === b) return 0
  pair[0] = a
  pair[1] = b
  return Math.abs(Number(bits[0]! - bits[1]!))
}

/** The first of the sines of `start`, `start` + 1, … that is more than 1 unit in the last place from `Math.sin`. */
const findWrong = (sines: Float64Array, start: number) => {
  for (let index = 0; index < sines.length; index++) {
    if (!(unitsBetween(sines[index]!, Math.sin(start + index)) <= 1)) return start + index
  }
  return undefined
}

/** Runs a job here, with arrays that hold something already where they may. */
const run = ({ run }: typeof sinSimd, count: number) =>
  run({ count }, {
    allocate: (constructor, length) => new constructor(length),
    allocateUnsafe: (constructor, length) => {
      const array = new constructor(length)
      new Uint8Array(array.buffer).fill(255)
      return array
    }
  } as Job.Context) as Float64Array

describe("sinSimd", () => {
  it("is within 1 unit in the last place of Math.sin for every integer below 10^8", { timeout: 600_000 }, () => {
    const kernel = sinKernel.instantiate()
    for (let start = 0; start < maxCount; start += kernel.sines.length) {
      kernel.next()
      assert.isUndefined(findWrong(kernel.sines, start))
    }
  })

  it("gives as many sines as it is asked for, from sin 0 each time", () => {
    const { length } = sinKernel.instantiate().sines
    for (const count of [0, 1, 2, 999, length - 1, length, length + 1, 3 * length + 7]) {
      const sines = run(sinSimd, count)
      assert.strictEqual(sines.length, count)
      assert.isUndefined(findWrong(sines, 0))
    }
  })

  it("takes a count that is none as sin does", () => {
    for (const count of [-1, -Infinity, Infinity, 2 ** 60]) {
      assert.throws(() => run(sin, count), RangeError)
      assert.throws(() => run(sinSimd, count), RangeError)
    }
    for (const count of [NaN, 2.5]) assert.strictEqual(run(sinSimd, count).length, run(sin, count).length)
  })

  it("throws for more than it can compute, and allocates nothing", () => {
    const context = { allocateUnsafe: () => assert.fail("allocated") } as Partial<Job.Context> as Job.Context
    assert.throws(
      () => sinSimd.run({ count: maxCount + 1 }, context),
      RangeError,
      "count must be at most 100000000: received 100000001"
    )
    assert.throws(() => sinSimd.run({ count: maxCount }, context), "allocated")
  })

  it.live("fills borrowed memory again on a worker", () =>
    Effect.gen(function*() {
      for (const count of [3000, 3000, 200_000]) {
        const wrong = yield* Executor.use(sinSimd, { count }, (sines) => Effect.sync(() => findWrong(sines, 0)))
        assert.isUndefined(wrong)
      }
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))))
})

describe("sinSimd.wasm", () => {
  it("is what npm run build:wasm makes of its source", async () => {
    const root = path.join(import.meta.dirname, "..")
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), "wasm-"))
    const [compiler, ...args] = packageJson.scripts["build:wasm"].split(" ")
    assert.strictEqual(compiler, "asc")
    const checkedIn = "lib/jobs/sinSimd.wasm"
    const built = path.join(folder, "built.wasm")
    await promisify(execFile)(
      process.execPath,
      ["node_modules/assemblyscript/bin/asc.js", ...args.map((arg) => arg === checkedIn ? built : arg)],
      { cwd: root }
    )
    assert.isTrue((await fs.readFile(built)).equals(await fs.readFile(path.join(root, checkedIn))))
    await fs.rm(folder, { recursive: true })
  })
})
