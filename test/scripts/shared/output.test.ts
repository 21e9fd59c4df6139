import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { Output } from "../../../scripts/shared/output.ts"
import { fake } from "./fake-terminal.ts"

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** What is written of a run of 3 jobs, 2 at a time. */
const writtenOf = (isTTY: boolean, use: (output: Output["Service"]) => Effect.Effect<void>) =>
  Effect.gen(function*() {
    const { stream, written } = fake(isTTY)
    vi.stubGlobal("process", Object.create(process, { stdout: { value: stream } }))
    yield* Effect.flatMap(Output, use).pipe(Effect.provide(Output.layer({ jobs: 3, workers: 2, silent: false })))
    // What is written comes out of the stream on a later turn.
    yield* Effect.sleep("1 millis")
    return written()
  })

const countIn = (output: Output["Service"]) => {
  output.jobStarted(0)
  output.jobStarted(1)
  output.jobEnded(0)
  output.jobEnded(2)
}

describe("Output", () => {
  it.live("prints lines, and what is logged, with the local time to the microsecond", () =>
    Effect.gen(function*() {
      const at = new Date(2026, 10, 23, 7, 41, 30, 7).getTime() + 0.0455
      vi.spyOn(performance, "now").mockReturnValue(at - performance.timeOrigin)
      const written = yield* writtenOf(false, (output) => {
        output.line("worker 0 started")
        return Effect.log("Memory", "usage")
      })
      const time = "2026-11-23 07:41:30.007045"
      assert.strictEqual(written, `${time}: worker 0 started\n${time}: Memory usage\n`)
    }))

  it.live("counts who is busy, and how many have ended, also of those that did not start", () =>
    Effect.gen(function*() {
      const written = yield* writtenOf(true, (output) => Effect.sync(() => countIn(output)))
      assert.match(written, /2\/3 jobs \|.* \d+ MB, peak \d+ MB \| 1\/2 busy/)
    }))

  it.live("shows the memory of the process that it is told to follow, and none once that is gone", () =>
    Effect.gen(function*() {
      const written = yield* writtenOf(true, (output) =>
        Effect.sync(() => {
          output.follow(2 ** 30)
          countIn(output)
        }))
      assert.match(written, /2\/3 jobs \|.* left \| 1\/2 busy/)
    }))
})
