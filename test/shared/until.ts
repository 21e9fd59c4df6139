import { Effect, Schedule } from "effect"
import { Executor } from "../../lib/mod.ts"

/** Waits for something that happens on another thread or in a file. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.sync(condition).pipe(
    Effect.repeat({ until: (isSo) => isSo, schedule: Schedule.spaced("1 millis") }),
    Effect.asVoid
  )

/** Waits until the executor's figures are as they should be. */
export const untilStats = (isSo: (stats: Executor.Stats) => boolean): Effect.Effect<void, never, Executor.Executor> =>
  Executor.stats.pipe(
    Effect.repeat({ until: isSo, schedule: Schedule.spaced("1 millis") }),
    Effect.asVoid
  )

/** Lets the event loop wait for so long, or until something is so. */
export const keepBusy = (ms: number, isOver = () => false): void => {
  const end = performance.now() + ms
  while (performance.now() < end && !isOver());
}
