import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Metric, Scope } from "effect"
import type { Stats } from "../../lib/Executor.ts"
import { published } from "../../lib/internal/metrics.ts"
import { until } from "../shared/until.ts"

const statsOf = (first: number): Stats => ({
  workers: first,
  busy: first + 1,
  queued: first + 2,
  finished: first + 3,
  failed: first + 4,
  died: first + 5,
  recycled: first + 6,
  utilization: first + 7,
  waitMs: { p50: first + 8, p90: first + 9, p99: first + 10 },
  runMs: { p50: first + 11, p90: first + 12, p99: first + 13 }
})

/** The metrics of an executor, by name and quantile. */
const metricsOf = (executor: string) =>
  Effect.map(Metric.snapshot, (metrics) =>
    metrics.flatMap((metric) => {
      const { quantile, ...attributes } = { ...metric.attributes }
      if (metric.type !== "Gauge" || attributes["executor"] !== executor) return []
      return [[quantile === undefined ? metric.id : `${metric.id} ${quantile}`, Number(metric.state.value)] as const]
    }))

const expected = (first: number) =>
  [
    "workers",
    "busy_workers",
    "queued_jobs",
    "finished_jobs",
    "failed_jobs",
    "died_workers",
    "recycled_workers",
    "utilization",
    ...["wait_ms", "run_ms"].flatMap((name) => ["0.5", "0.9", "0.99"].map((quantile) => `${name} ${quantile}`))
  ].map((name, n) => [`effect_futures_${name}`, first + n] as const)

const isolated = Effect.provideService(Metric.MetricRegistry, new Map())

describe("the metrics of an executor", () => {
  it.effect("are its figures, each under its name, when they are asked for and when it closes", () =>
    Effect.gen(function*() {
      let first = 100
      const scope = yield* Scope.make()
      const stats = yield* Scope.provide(published(Effect.sync(() => statsOf(first))), scope)
      assert.deepStrictEqual(yield* stats(), statsOf(100))
      assert.sameDeepMembers(yield* metricsOf("0"), expected(100))
      first = 200
      assert.sameDeepMembers(yield* metricsOf("0"), expected(100))
      yield* Scope.close(scope, Exit.void)
      assert.sameDeepMembers(yield* metricsOf("0"), expected(200))
      // From now on they may be another's.
      first = 300
      assert.deepStrictEqual(yield* stats(), statsOf(300))
      assert.sameDeepMembers(yield* metricsOf("0"), expected(200))
    }).pipe(isolated))

  it.live("are there in time also where nobody asks for them", () =>
    Effect.gen(function*() {
      let asked = 0
      yield* published(Effect.sync(() => statsOf(asked++)))
      yield* until(() => asked === 2)
      assert.sameDeepMembers(yield* metricsOf("0"), expected(1))
    }).pipe(Effect.scoped, isolated))

  it.effect("have a number that no other has, one of those that are free again before a new one", () =>
    Effect.gen(function*() {
      const open = Effect.fnUntraced(function*(first: number) {
        const scope = yield* Scope.make()
        const stats = yield* Scope.provide(published(Effect.succeed(statsOf(first))), scope)
        yield* stats()
        return { close: Scope.close(scope, Exit.void) }
      })
      const opened = [yield* open(100), yield* open(200), yield* open(300)]
      yield* opened[1]!.close
      opened[1] = yield* open(400)
      for (const [n, first] of [100, 400, 300].entries()) {
        assert.sameDeepMembers(yield* metricsOf(String(n)), expected(first))
      }
      yield* Effect.forEach(opened, ({ close }) => close)
    }).pipe(isolated))
})
