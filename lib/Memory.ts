/**
 * The memory of this process: its threads and every buffer in it count towards the resident bytes.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import v8 from "node:v8"
import vm from "node:vm"
import * as checks from "./internal/options.ts"

/** What the process holds at one moment, in bytes. */
export interface Sample {
  /** Resident in memory now. */
  readonly rssBytes: number
  /** The most that has been resident since the process began. */
  readonly maxRssBytes: number
  /** The calling thread's JavaScript objects. */
  readonly heapUsedBytes: number
  /** The ArrayBuffers that the calling thread has made; those that came from workers count as resident alone. */
  readonly arrayBuffersBytes: number
}

/** A sample, taken now. It costs some tens of microseconds. */
export const sampleUnsafe = (): Sample => {
  const { arrayBuffers, heapUsed, rss } = process.memoryUsage()
  return {
    rssBytes: rss,
    maxRssBytes: Math.max(rss, process.resourceUsage().maxRSS * 1024),
    heapUsedBytes: heapUsed,
    arrayBuffersBytes: arrayBuffers
  }
}

/**
 * A sample, taken when it is run.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Memory } from "effect-futures"
 *
 * const { maxRssBytes, rssBytes } = await Effect.runPromise(Memory.sample)
 *
 * rssBytes > 0 && maxRssBytes >= rssBytes // => true
 * ```
 */
export const sample: Effect.Effect<Sample> = Effect.sync(sampleUnsafe)

/** Collects all garbage of the calling thread, and returns its memory to the system. It takes tens of milliseconds. */
export const collectUnsafe = (): void => {
  v8.setFlagsFromString("--expose-gc")
  const gc: NodeJS.GCFunction = vm.runInNewContext("gc")
  void gc({ type: "major", execution: "sync", flavor: "last-resort" })
}

/** A sample now and one after each `interval`, for as long as it is read. Dies where that is no duration of at least 0. */
export const watch = (interval: Duration.Input): Stream.Stream<Sample> =>
  Stream.unwrap(Effect.map(
    Effect.orDie(checks.duration("interval", interval)),
    (interval) => Stream.fromEffectSchedule(sample, Schedule.spaced(interval))
  ))

/** Logs the most memory that was resident so far, as `Memory usage 1039187968`, in bytes. */
export const log: Effect.Effect<void> = Effect.suspend(() =>
  Effect.logInfo(`Memory usage ${sampleUnsafe().maxRssBytes}`)
)
