/** Things that will happen, by the test's clock. */
import { Clock, Effect } from "effect"

export interface Timeline {
  readonly now: () => number
  /** Does it so much later, and never before what goes on now is done. */
  readonly after: (ms: number, action: () => void) => void
}

export const make: Effect.Effect<Timeline> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  return {
    now: () => clock.currentTimeMillisUnsafe(),
    after: (ms, action) => void fork(Effect.delay(Effect.sync(action), Math.max(ms, 1)))
  }
})
