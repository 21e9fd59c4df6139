import { Effect, Schedule } from "effect"

/** Waits for something that happens on another thread or in a file. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.sync(condition).pipe(
    Effect.repeat({ until: (isSo) => isSo, schedule: Schedule.spaced("1 millis") }),
    Effect.asVoid
  )
