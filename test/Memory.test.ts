import { assert, describe, it, vi } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Memory } from "../lib/mod.ts"

/** Has the process hold what it does not. */
const holding = (usage: { readonly rss: number; readonly mostKilobytes: number }) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const others = { heapTotal: 1, external: 2 }
      vi.spyOn(process, "memoryUsage").mockReturnValue({ ...others, rss: usage.rss, heapUsed: 3, arrayBuffers: 4 })
      const resources = process.resourceUsage()
      vi.spyOn(process, "resourceUsage").mockReturnValue({ ...resources, maxRSS: usage.mostKilobytes })
    }),
    () => Effect.sync(() => vi.restoreAllMocks())
  )

describe("Memory.sample", () => {
  it.effect("tells each figure by its name, and no high-water mark below what is resident", () =>
    Effect.gen(function*() {
      for (const [mostKilobytes, maxRssBytes] of [[2, 2048], [1, 2000]] as const) {
        yield* holding({ rss: 2000, mostKilobytes })
        assert.deepStrictEqual(yield* Memory.sample, {
          rssBytes: 2000,
          maxRssBytes,
          heapUsedBytes: 3,
          arrayBuffersBytes: 4
        })
      }
    }))

  it.effect("tells what the process holds, in whole bytes", () =>
    Effect.gen(function*() {
      const sample = yield* Memory.sample
      for (const [name, bytes] of Object.entries(sample)) {
        assert.isTrue(Number.isSafeInteger(bytes) && bytes > 0, `${name}: ${bytes}`)
      }
      assert.isAtLeast(sample.maxRssBytes, sample.rssBytes)
    }))

  it.effect("counts ArrayBuffers, and the high-water mark does not fall", () =>
    Effect.gen(function*() {
      const bytes = 30_000_000
      const before = yield* Memory.sample
      const buffer = new Uint8Array(bytes).fill(1)
      const during = yield* Memory.sample
      assert.isAtLeast(during.arrayBuffersBytes - before.arrayBuffersBytes, bytes / 2)
      buffer.buffer.transfer(0)
      const after = yield* Memory.sample
      assert.isBelow(after.arrayBuffersBytes, during.arrayBuffersBytes)
      assert.isAtLeast(after.maxRssBytes, during.maxRssBytes)
    }))

  it.effect("is taken anew each time it is run", () =>
    Effect.gen(function*() {
      const before = yield* Memory.sample
      const held = new Uint8Array(10_000_000)
      const after = yield* Memory.sample
      assert.isAbove(after.arrayBuffersBytes, before.arrayBuffersBytes)
      assert.strictEqual(held.length, 10_000_000)
    }))
})

describe("Memory.collectUnsafe", () => {
  it.live("collects what nobody holds", () =>
    Effect.gen(function*() {
      const unheld = new WeakRef(new Uint8Array(1000))
      yield* Effect.sleep(1)
      Memory.collectUnsafe()
      assert.isUndefined(unheld.deref())
    }))

  it.live("collects also what has outlived collections, and returns its memory to the system", () =>
    Effect.gen(function*() {
      const held = { objects: Array.from({ length: 1_000_000 }, (_, n) => ({ n })) }
      const unheld = new WeakRef(held.objects)
      for (let n = 0; n < 2; n++) {
        yield* Effect.sleep(1)
        Memory.collectUnsafe()
      }
      const before = yield* Memory.sample
      held.objects = []
      yield* Effect.sleep(1)
      Memory.collectUnsafe()
      assert.isUndefined(unheld.deref())
      assert.isBelow((yield* Memory.sample).rssBytes, before.rssBytes - 10_000_000)
    }))
})

describe("Memory.watch", () => {
  it.effect("samples at once and then after each interval, for as long as it is read", () =>
    Effect.gen(function*() {
      let taken = 0
      const reading = yield* Memory.watch("1 second").pipe(
        Stream.take(3),
        Stream.runForEach(() => Effect.sync(() => taken++)),
        Effect.forkChild
      )
      yield* TestClock.adjust(0)
      assert.strictEqual(taken, 1)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(taken, 1)
      yield* TestClock.adjust("1 milli")
      assert.strictEqual(taken, 2)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(reading)
      assert.strictEqual(taken, 3)
    }))

  it.effect("samples an interval after it is asked for the next, however late that is", () =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const reading = yield* Memory.watch("1 second").pipe(
        Stream.take(3),
        Stream.runForEach(() =>
          Effect.andThen(Effect.map(Clock.currentTimeMillis, (time) => times.push(time)), Effect.sleep("1500 millis"))
        ),
        Effect.forkChild
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(reading)
      assert.deepStrictEqual(times, [0, 2500, 5000])
    }))

  it.effect("refuses an interval that is none", () =>
    Effect.gen(function*() {
      for (const interval of [-1, Number.NaN]) {
        const exit = yield* Effect.exit(Stream.runDrain(Memory.watch(interval)))
        assert.isTrue(Exit.hasDies(exit))
        assert.include(String(Exit.findDefect(exit)), `interval must be a duration of at least 0: received ${interval}`)
      }
    }))
})

describe("Memory.log", () => {
  it.effect("logs the most that was resident, as the experiment's log does", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => void lines.push(...[message].flat()))
      yield* Memory.log.pipe(Effect.provide(Logger.layer([logger])))
      yield* holding({ rss: 2000, mostKilobytes: 2 })
      yield* Memory.log.pipe(Effect.provide(Logger.layer([logger])))
      assert.strictEqual(lines[1], "Memory usage 2048")
      assert.match(String(lines[0]), /^Memory usage \d+$/)
      assert.isAtLeast(Number(String(lines[0]).split(" ")[2]), process.memoryUsage.rss() / 2)
    }))
})
