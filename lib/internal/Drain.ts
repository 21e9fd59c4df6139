/** Those who wait until an executor has no jobs. */
import * as Effect from "effect/Effect"
import { handOver } from "./handOver.ts"

export const make = (isIdle: () => boolean) => {
  const waiting = new Set<() => void>()
  return {
    wait: Effect.callback<void>((resume) => {
      if (isIdle()) return resume(Effect.void)
      const tell = () => handOver(resume, Effect.void)
      waiting.add(tell)
      return Effect.sync(() => waiting.delete(tell))
    }),
    /** To be called when jobs have ended. */
    check: () => {
      if (waiting.size === 0 || !isIdle()) return
      const told = [...waiting]
      waiting.clear()
      told.forEach((tell) => tell())
    }
  }
}
