import { Effect } from "effect"
import { Memory } from "../../lib/mod.ts"

/** Collects all garbage, once what the current turn of the event loop holds is let go. */
export const collectGarbage = Effect.gen(function*() {
  for (let turn = 0; turn < 3; turn++) {
    yield* Effect.sleep(1)
    Memory.collectUnsafe()
  }
})
