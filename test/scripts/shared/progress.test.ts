import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { memoryOf } from "../../../scripts/shared/processes.ts"
import * as progress from "../../../scripts/shared/progress.ts"
import { fake } from "./fake-terminal.ts"

const show = (
  stream: progress.Output,
  options: Partial<progress.Options>,
  use: (shown: progress.Progress) => void
) =>
  Effect.scoped(Effect.gen(function*() {
    use(yield* progress.make({ total: 50, unit: "jobs", stream, ...options }))
    // What is written comes out of the stream on a later turn.
    yield* Effect.sleep("1 millis")
  })).pipe(Effect.andThen(Effect.sleep("1 millis")))

describe("memoryOf", () => {
  // Other systems do not tell.
  it.skipIf(process.platform !== "linux")("tells what a process holds, and nothing of one that is not there", () => {
    const { maxRssBytes, rssBytes } = memoryOf(process.pid)!
    assert.isAtLeast(maxRssBytes, rssBytes)
    assert.isAbove(rssBytes, 10e6)
    assert.isUndefined(memoryOf(2 ** 30))
  })
})

describe("progress", () => {
  it.live("tells how much is done, how fast, for how long still, and what it takes", () =>
    Effect.gen(function*() {
      const { stream, written } = fake(true)
      const options = {
        memory: () => ({ rssBytes: 471e6, maxRssBytes: 480e6 }),
        workers: { count: 3, busy: () => 2 }
      }
      yield* show(stream, options, ({ add, write }) => {
        for (let done = 0; done < 21; done++) add(1)
        write("a line of the log\n")
      })
      const bar = /█+░+ 42% \| 21\/50 jobs \| [\d.]+\/s \| \d+s left \| 471 MB, peak 480 MB \| 2\/3 busy/
      assert.match(written(), bar)
      assert.include(written(), "a line of the log\n")
      assert.isAbove(written().search(bar), 0)
    }))

  it.live("draws in plain ASCII where the locale has no more", () =>
    Effect.gen(function*() {
      vi.stubEnv("LC_ALL", "C")
      const { stream, written } = fake(true)
      yield* show(stream, {}, ({ add }) => add(21))
      assert.match(written(), /\S 42% \| 21\/50 jobs/)
      assert.notMatch(written(), /[^\p{ASCII}]/u)
    }).pipe(Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs()))))

  it.live("tells rate, time left and memory by what has passed, and parts of a unit as whole ones", () =>
    Effect.gen(function*() {
      const bars = yield* Effect.forEach([20.4, 40, 500, 0.02, 1100], (done) =>
        Effect.gen(function*() {
          const { stream, written } = fake(true)
          const now = vi.spyOn(performance, "now").mockReturnValue(1000)
          yield* show(stream, { total: 1000, unit: "MB" }, ({ add }) => {
            now.mockReturnValue(11_000)
            add(done)
          })
          return written()
        }))
      const [slow, slower, fast, slowest, more] = bars
      assert.match(slow!, / 20\/1000 MB \| 2\.0\/s \| 8m 0s left \| \d{2,4} MB, peak \d{2,4} MB/)
      assert.match(slower!, / 40\/1000 MB \| 4\.0\/s \| 4m 0s left /)
      assert.match(fast!, / 500\/1000 MB \| 50\/s \| 10s left /)
      assert.match(slowest!, / 0\/1000 MB \| 0\.0\/s \| 6 days left /)
      assert.match(more!, / 100% \| 1100\/1000 MB \| 110\/s \| 0s left /)
    }).pipe(Effect.ensuring(Effect.sync(() => vi.restoreAllMocks()))))

  it.live("knows no time left before anything is done, and no memory of a process that is gone", () =>
    Effect.gen(function*() {
      const { stream, written } = fake(true)
      yield* show(stream, { memory: () => undefined }, () => {})
      assert.match(written(), /0% \| 0\/50 jobs/)
      assert.notMatch(written(), /left|MB|\/s|NaN|Infinity/)
    }))

  it.live("is quiet into a pipe, but for what is written", () =>
    Effect.gen(function*() {
      const { stream, written } = fake(false)
      yield* show(stream, {}, ({ add, write }) => {
        add(50)
        write("a line of the log\n")
      })
      assert.strictEqual(written(), "a line of the log\n")
    }))

  it.live("does no more than write to a terminal that cannot draw", () =>
    Effect.gen(function*() {
      vi.stubEnv("TERM", "dumb")
      const { stream, written } = fake(true)
      yield* show(stream, {}, ({ write }) => write("a line of the log\n"))
      assert.strictEqual(written(), "a line of the log\n")
    }).pipe(Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs()))))

  it.live("draws nothing for work that is over before the patience is", () =>
    Effect.gen(function*() {
      const { stream, written } = fake(true)
      yield* show(stream, { patienceMs: 60_000 }, ({ add, write }) => {
        add(50)
        write("a line of the log\n")
      })
      assert.strictEqual(written(), "a line of the log\n")
    }))

  it.live("takes itself away after work that took longer than the patience", () =>
    Effect.gen(function*() {
      const { stream, written } = fake(true)
      yield* show(stream, { patienceMs: Number.MIN_VALUE }, ({ add }) => add(10))
      assert.match(written(), /20% \| 10\/50 jobs/)
      assert.isTrue(written().endsWith("\u001B[0J"), JSON.stringify(written().slice(-20)))
    }))
})
