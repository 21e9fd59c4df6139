/**
 * The figures of an executor as Effect metrics, each with the number of its executor as an attribute. Those of one that is
 * closed stay as they were last, until another has its number.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Quantiles, Stats } from "../Executor.ts"

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
  // In real time: a test's clock would have to be taken through each interval.
  yield* Effect.forever(Effect.delay(publishing, interval)).pipe(
    Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()),
    Effect.forkScoped
  )
  // Once it is closed, another executor may have its number.
  return () => isClosed ? stats : publishing
})

/** Whoever reads the metrics sees the latest that were published. */
const publisher = (number: number) => {
  const gauge = (name: string, description: string, more: Record<string, string> = {}) =>
    Metric.gauge(`effect_futures_${name}`, { description, attributes: { executor: String(number), ...more } })
  const quantiles = (name: string, description: string, of: (stats: Stats) => Quantiles) =>
    ([["0.5", "p50"], ["0.9", "p90"], ["0.99", "p99"]] as const).map((
      [quantile, p]
    ): Published => [gauge(name, description, { quantile }), (stats) => of(stats)[p]])
  const gauges: ReadonlyArray<Published> = [
    [gauge("workers", "Workers alive"), ({ workers }) => workers],
    [gauge("busy_workers", "Workers that run a job"), ({ busy }) => busy],
    [gauge("queued_jobs", "Jobs accepted and not yet started"), ({ queued }) => queued],
    [gauge("finished_jobs", "Jobs that succeeded"), ({ finished }) => finished],
    [gauge("failed_jobs", "Jobs that ended in any other way"), ({ failed }) => failed],
    [gauge("died_workers", "Workers that died of themselves"), ({ died }) => died],
    [gauge("recycled_workers", "Workers that were replaced after their last job"), ({ recycled }) => recycled],
    [gauge("utilization", "The share of the workers' time that jobs ran"), ({ utilization }) => utilization],
    ...quantiles("wait_ms", "How long the latest jobs waited", ({ waitMs }) => waitMs),
    ...quantiles("run_ms", "How long the latest jobs ran", ({ runMs }) => runMs)
  ]

  return (stats: Stats) => Effect.forEach(gauges, ([gauge, of]) => Metric.update(gauge, of(stats)), { discard: true })
}

/** A metric, and which of the figures it is. */
type Published = readonly [Metric.Gauge<number>, (stats: Stats) => number]
