import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { maxCount } from "../../../lib/jobs/sinSimd.ts"
import { checkCount } from "../../../scripts/shared/kernels.ts"
import { checkMemory } from "../../../scripts/shared/memory-check.ts"

afterEach(() => {
  vi.restoreAllMocks()
})

const free = (bytes: number) => vi.spyOn(process, "availableMemory").mockReturnValue(bytes)

const problemOf = (jobs: number, count: number, workers: number) =>
  Effect.gen(function*() {
    yield* checkMemory({ jobs, count, workers }, ({ workers }) => 2 * workers)
    return ""
  }).pipe(Effect.catch(({ message }) => Effect.succeed(message)))

describe("checkMemory", () => {
  it.effect("takes what just fits, and no more arrays for held than there are jobs", () =>
    Effect.gen(function*() {
      free(48e6)
      assert.strictEqual(yield* problemOf(50, 1e6, 3), "")
      assert.strictEqual(yield* problemOf(1, 6e6, 3), "")
      assert.notStrictEqual(yield* problemOf(50, 1e6 + 1, 3), "")
    }))

  it.effect("says how much is held and free, and names of each flag what would fit, if anything would", () =>
    Effect.gen(function*() {
      free(1e9)
      assert.strictEqual(
        yield* problemOf(50, 100_000_000, 3),
        "--jobs 50 --count 100000000 --workers 3 holds up to 4.8 GB of results, and 1.0 GB are free: expected less, such " +
          "as --count 18000000 (--force runs it anyway)"
      )
      assert.include(yield* problemOf(25, 10_000_000, 20), "such as --count 4500000 or --jobs 11 (")
      assert.include(yield* problemOf(1000, 10_000_000, 20), "such as --count 2800000 or --workers 5 (")
      assert.include(yield* problemOf(1e12, 1, 1e10), "such as --workers 56000000 (")
      free(7)
      assert.include(yield* problemOf(4, 1, 4), ": expected less of each (--force runs it anyway)")
    }))

  it.effect("names a --count that still fits when a little less is free a moment later", () =>
    Effect.gen(function*() {
      free(4_000_000)
      const [, count] = /--count (\d+) or/.exec(yield* problemOf(10, 100_000, 5))!
      free(4_000_000 * 0.99)
      assert.strictEqual(yield* problemOf(10, Number(count), 5), "")
    }))
})

describe("checkCount", () => {
  it.effect("takes for the kernel simd as many sines as it can compute, and for math any number", () =>
    Effect.gen(function*() {
      yield* checkCount({ count: maxCount, kernel: "simd" })
      yield* checkCount({ count: maxCount + 1, kernel: "math" })
      const { message } = yield* Effect.flip(checkCount({ count: maxCount + 1, kernel: "simd" }))
      assert.include(message, `expected at most ${maxCount}`)
    }))
})
