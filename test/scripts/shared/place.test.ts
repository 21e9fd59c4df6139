import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { Recorder } from "../../../lib/mod.ts"
import { begin } from "../../../scripts/shared/place.ts"
import { environment } from "../../shared/records.ts"

afterEach(() => {
  vi.useRealTimers()
})

describe("begin", () => {
  it.effect("tells when a run ended by how long it took, also where the system's clock was set back meanwhile", () =>
    Effect.gen(function*() {
      vi.useFakeTimers({ toFake: ["Date", "performance"], now: Date.parse("2026-11-23T07:41:30.123Z") })
      const headOf = yield* begin("bench", { rounds: 1 })
      vi.advanceTimersByTime(2000)
      vi.setSystemTime(Date.parse("2026-11-23T06:41:32.123Z"))
      assert.deepStrictEqual(headOf("completed"), {
        version: 1,
        script: "bench",
        status: "completed",
        startedAt: "2026-11-23T07:41:30.123Z",
        finishedAt: "2026-11-23T07:41:32.123Z",
        environment,
        parameters: { rounds: 1 }
      })
    }).pipe(Effect.provideService(Recorder.Recorder, { environment } as Recorder.Recorder["Service"])))
})
