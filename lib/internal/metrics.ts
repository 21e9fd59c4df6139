/**
 * The figures of an executor as Effect metrics, each with the number of its executor as an attribute. Those of one that is
 * closed stay as they were last, until another has its number.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Stats } from "../Executor.ts"

let executors = 0

/** Those of executors that are closed. */
const freeNumbers: Array<number> = []

/** A number that no other executor has as long as the scope is open. */
const executorNumber = Effect.acquireRelease(
  Effect.sync(() => freeNumbers.shift() ?? executors++),
  (number) => Effect.sync(() => freeNumbers.push(number))
)

/** How often the stats go to the metrics, beside when somebody asks for them. */
const interval = Duration.seconds(1)

/** The stats of one executor, published each time that somebody asks, now and then, and last when its scope has closed. */
export const published = Effect.fnUntraced(function*(stats: Effect.Effect<Stats>) {
  const publish = publisher(yield* executorNumber)
  let isClosed = false
  const publishing = Effect.tap(stats, publish)
  yield* Effect.addFinalizer(() => {
    isClosed = true
    return publishing
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(publishing, interval)))
  // Once it is closed, another executor may have its number.
  return () => isClosed ? stats : publishing
})

/** Whoever reads the metrics sees the latest that were published. */
const publisher = (number: number): (stats: Stats) => Effect.Effect<void> => {
  const attributes = { executor: String(number) }
  const gauge = (name: string, description: string, more: Record<string, string> = {}) =>
    Metric.gauge(`effect_futures_${name}`, { description, attributes: { ...attributes, ...more } })
  const quantiles = (name: string, description: string) => ({
    p50: gauge(name, description, { quantile: "0.5" }),
    p90: gauge(name, description, { quantile: "0.9" }),
    p99: gauge(name, description, { quantile: "0.99" })
  })

  const gauges = {
    workers: gauge("workers", "Workers alive"),
    busy: gauge("busy_workers", "Workers that run a job"),
    queued: gauge("queued_jobs", "Jobs accepted and not yet started"),
    finished: gauge("finished_jobs", "Jobs that succeeded"),
    failed: gauge("failed_jobs", "Jobs that ended in any other way"),
    died: gauge("died_workers", "Workers that died of themselves"),
    recycled: gauge("recycled_workers", "Workers that were replaced after their last job"),
    utilization: gauge("utilization", "The share of the workers' time that jobs ran")
  }
  const waits = quantiles("wait_ms", "How long the latest jobs waited")
  const runs = quantiles("run_ms", "How long the latest jobs ran")

  return Effect.fnUntraced(function*({ runMs, waitMs, ...stats }: Stats) {
    for (
      const name of ["workers", "busy", "queued", "finished", "failed", "died", "recycled", "utilization"] as const
    ) {
      yield* Metric.update(gauges[name], stats[name])
    }
    for (const p of ["p50", "p90", "p99"] as const) {
      yield* Metric.update(waits[p], waitMs[p])
      yield* Metric.update(runs[p], runMs[p])
    }
  })
}
