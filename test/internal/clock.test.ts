import { assert, describe, it, onTestFinished, vi } from "@effect/vitest"
import { clockOffset } from "../../lib/internal/clock.ts"

describe("the clock of a process", () => {
  it("is right where the process is held up while it is read", async () => {
    onTestFinished(() => void vi.restoreAllMocks())
    const now = performance.now.bind(performance)
    let held = 0
    vi.spyOn(performance, "now").mockImplementation(() => {
      if (held++ === 0) { for (const end = now() + 50; now() < end;); }
      return now()
    })
    vi.resetModules()
    const again: { readonly clockOffset: typeof clockOffset } = await import("../../lib/internal/clock.ts")
    assert.isAbove(held, 0)
    assert.closeTo(again.clockOffset(), clockOffset(), 10)
  })
})
