import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Metric, Option, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { replay, run } from "../lib/internal/effectJob.ts"
import type { EndedSpan } from "../lib/internal/protocol.ts"
import { Executor, InlineExecutor, ProcessExecutor, ThreadExecutor } from "../lib/mod.ts"
import { halfTraced } from "./jobs/effects.ts"
import * as values from "./jobs/values.ts"
import { recording } from "./shared/spans.ts"

const parentOf = ({ parent }: Tracer.Span) => Option.getOrUndefined(parent)?.spanId

describe("spans of a job", () => {
  it("that began at the same time stay within one another, and are sampled as their caller is", () => {
    const { spans, tracer } = recording()
    const at = { kind: "internal", startTime: 1n, endTime: 1n, attributes: [], error: undefined } as const
    replay(tracer, Tracer.externalSpan({ spanId: "caller", traceId: "trace", sampled: false }), [
      { ...at, name: "inner", spanId: "inside", parentId: "outside" },
      { ...at, name: "outer", spanId: "outside", parentId: undefined }
    ])
    assert.deepStrictEqual(spans.map(({ name }) => name), ["outer", "inner"])
    assert.deepStrictEqual(spans.map(parentOf), ["caller", spans[0]!.spanId])
    assert.deepStrictEqual(spans.map(({ sampled }) => sampled), [false, false])
  })

  it("have kinds, times, attributes and failures, and can be cloned", async () => {
    const ended: Array<EndedSpan> = []
    const attributes = { big: 2n ** 70n, none: undefined, mark: Symbol("mark"), ask: () => 1, list: [1] }
    const early = Effect.withSpan(Effect.sleep(1), "early", { kind: "client", attributes })
    const late = Effect.withSpan(Effect.delay(Effect.fail("too late"), 1), "late")
    const both = Effect.delay(Effect.exit(Effect.andThen(early, late)), 1).pipe(
      Effect.withSpan("both", { kind: "server" })
    )
    await run(both, new AbortController().signal, ended)
    const { spans, tracer } = recording()
    replay(tracer, Tracer.externalSpan({ spanId: "caller", traceId: "trace" }), structuredClone(ended))
    assert.deepStrictEqual(spans.map(({ kind, name }) => [name, kind]), [
      ["both", "server"],
      ["early", "client"],
      ["late", "internal"]
    ])
    const told = spans.map(({ status }) => status._tag === "Ended" && [status.startTime, status.endTime])
    const byName = new Map(ended.map((span) => [span.name, span]))
    assert.deepStrictEqual(
      told,
      spans.map(({ name }) => byName.get(name)!).map(({ endTime, startTime }) => [startTime, endTime])
    )
    for (const { endTime, startTime } of ended) assert.isTrue(endTime > startTime)
    assert.deepStrictEqual([...spans[1]!.attributes], [
      ["big", 2n ** 70n],
      ["none", undefined],
      ["mark", "Symbol(mark)"],
      ["ask", "() => 1"],
      ["list", "[1]"]
    ])
    const failures = spans.map(({ status }) => status._tag === "Ended" && String(status.exit))
    assert.deepStrictEqual(failures.map((exit) => /too late/.test(String(exit))), [false, false, true])
  })
})

for (const [name, layer] of Object.entries({ ThreadExecutor, ProcessExecutor, InlineExecutor })) {
  describe(`a span in a job, ${name}`, () => {
    it.live("is a child of the caller's, with its own attributes, times and failure", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recording()
        yield* Effect.exit(Executor.run(halfTraced, 3)).pipe(Effect.withSpan("caller"), Effect.withTracer(tracer))
        const [caller, outer, inner] = spans
        assert.deepStrictEqual(spans.map((span) => span.name), ["caller", "outer", "inner"])
        assert.strictEqual(parentOf(outer!), caller!.spanId)
        assert.strictEqual(parentOf(inner!), outer!.spanId)
        assert.strictEqual(inner!.traceId, caller!.traceId)
        assert.strictEqual(inner!.attributes.get("n"), 3)
        assert.strictEqual(inner!.attributes.get("odd"), "a value that cannot be shown")
        for (const { status } of spans) assert.strictEqual(status._tag, "Ended")
        if (inner!.status._tag === "Ended" && caller!.status._tag === "Ended") {
          assert.deepStrictEqual(inner!.status.exit, Exit.fail("Odd"))
          assert.isAtLeast(Number(inner!.status.startTime - caller!.status.startTime), 0)
        }
      }).pipe(Effect.provide(layer.layer({ maxWorkers: 1 }))))

    it.live("is told of each item of a chunk, however short", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recording()
        yield* Stream.range(1, 100).pipe(
          Executor.mapExit(halfTraced, { chunkSize: 50 }),
          Stream.runDrain,
          Effect.withSpan("caller"),
          Effect.withTracer(tracer)
        )
        assert.strictEqual(spans.length, 1 + 2 * 100)
      }).pipe(Effect.provide(layer.layer({ maxWorkers: 1 }))))

    it.live("is told of each job, one after the other", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recording()
        yield* Effect.forEach([2, 4, 6], (n) => Executor.run(halfTraced, n)).pipe(
          Effect.withSpan("caller"),
          Effect.withTracer(tracer)
        )
        assert.strictEqual(spans.length, 1 + 2 * 3)
      }).pipe(Effect.provide(layer.layer({ maxWorkers: 1 }))))

    it.live("is no cost where the caller has none", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recording()
        yield* Effect.exit(Executor.run(halfTraced, 2)).pipe(Effect.withTracer(tracer))
        assert.deepStrictEqual(spans, [])
      }).pipe(Effect.provide(layer.layer({ maxWorkers: 1 }))))
  })
}

describe("Executor.JobObserver", () => {
  it.live("is told times that never go backwards, however short a job is", () =>
    Effect.gen(function*() {
      const times = new Map<number, Array<number>>()
      const note = ({ at, id }: Executor.JobEvent) => void times.set(id, [...times.get(id) ?? [], at])
      yield* Stream.range(1, 1000).pipe(
        Executor.map(values.square, { concurrency: 8 }),
        Stream.runDrain,
        Effect.provideService(Executor.JobObserver, note)
      )
      assert.strictEqual(times.size, 1000)
      for (const [submitted, started, settled] of times.values()) {
        assert.isAtLeast(started!, submitted!)
        assert.isAtLeast(settled!, started!)
      }
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 2 }))))
})

/** Has a process begin with the system's clock set by so much. */
const withClockSet = (ms: number) => [
  "--import",
  `data:text/javascript,Object.defineProperty(performance,"timeOrigin",{value:performance.timeOrigin+${ms}})`
]

describe("Executor.JobObserver, of a process that began after the system's clock was set", () => {
  for (const [direction, ms] of Object.entries({ ahead: 3_600_000, back: -3_600_000 })) {
    it.live(`is told times of this process's clock: ${direction}`, () =>
      Effect.gen(function*() {
        const times: Array<number> = []
        const before = Date.now() - 1000
        yield* Executor.run(values.square, 3).pipe(
          Effect.provideService(Executor.JobObserver, (event) => {
            times.push(event.at)
            if (event._tag === "Settled") times.push(event.startedAt!)
          })
        )
        assert.strictEqual(times.length, 4)
        for (const at of times) {
          assert.isAtLeast(at, before)
          assert.isAtMost(at, Date.now() + 1000)
        }
        assert.isAtLeast((yield* Executor.stats).waitMs.p50, 0)
      }).pipe(Effect.provide(ProcessExecutor.layer({ maxWorkers: 1, execArgv: withClockSet(ms) }))))
  }
})

describe("Executor.stats", () => {
  it.live("are metrics, too, of each executor by itself", () =>
    Effect.gen(function*() {
      yield* Executor.run(values.square, 3)
      const stats = yield* Executor.stats
      const gauges = (yield* Metric.snapshot).flatMap((metric) => metric.type === "Gauge" ? metric : [])
      const of = (id: string) => gauges.filter((gauge) => gauge.id === `effect_futures_${id}`)
      const finished = of("finished_jobs").at(-1)!
      assert.strictEqual(Number(finished.state.value), stats.finished)
      assert.isDefined(finished.attributes?.["executor"])
      const quantiles = of("run_ms").filter(({ attributes }) =>
        attributes?.["executor"] === finished.attributes!["executor"]
      )
      assert.deepStrictEqual(quantiles.map(({ attributes }) => attributes!["quantile"]), ["0.5", "0.9", "0.99"])
    }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 }))))

  it.live("are metrics of as many executors as were open at the same time; one that is closed has no workers", () =>
    Effect.gen(function*() {
      const used = Effect.andThen(Executor.run(values.square, 3), Executor.stats).pipe(
        Effect.provide(InlineExecutor.layer({ maxWorkers: 1 }))
      )
      yield* Effect.repeat(Effect.all([used, used], { concurrency: 2 }), { times: 4 })
      const gauges = (yield* Metric.snapshot).flatMap((metric) => metric.type === "Gauge" ? metric : [])
      const of = (id: string) =>
        gauges.filter((gauge) => gauge.id === `effect_futures_${id}`).map(({ state }) => Number(state.value))
      assert.deepStrictEqual(of("workers"), [0, 0])
      assert.deepStrictEqual(of("finished_jobs"), [1, 1])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.live("take nothing of a test's clock, which would warn that it is not advanced", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      yield* Effect.andThen(Executor.run(values.square, 3), TestClock.withLive(Effect.sleep("50 millis"))).pipe(
        Effect.provide(
          InlineExecutor.layer({ maxWorkers: 1 }).pipe(
            Layer.provideMerge(TestClock.layer({ warningDelay: "10 millis" })),
            Layer.provideMerge(Logger.layer([Logger.make(({ message }) => void logged.push(message))]))
          )
        )
      )
      assert.deepStrictEqual(logged, [])
    }))
})
