/** Where a script sends what can be watched of it, if it is told. */
import { Effect, Layer, Option, References } from "effect"
import { UsageError } from "./main.ts"

/** Spans, metrics and logs to the OTLP collector of `--otlp`, in the name of `serviceName`. */
export const otlp = (url: Option.Option<string>, serviceName: string): Layer.Layer<never> =>
  Option.match(url, {
    onNone: () => Layer.empty,
    onSome: (baseUrl) =>
      Layer.unwrap(Effect.promise(async () => {
        const NodeHttpClient = await import("@effect/platform-node/NodeHttpClient")
        const { Otlp } = await import("effect/observability")
        return Otlp.layerJson({ baseUrl, resource: { serviceName }, loggerMergeWithExisting: true }).pipe(
          Layer.provide(NodeHttpClient.layerUndici)
        )
      }))
  })

/** Runs a program in a span of its name, the root of its trace, where somebody watches. */
export const watch =
  (url: Option.Option<string>, name: string) => <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Option.isNone(url) ? program : program.pipe(Effect.withSpan(name, { root: true }), Effect.provide(otlp(url, name)))

/** The metrics for Prometheus at `/metrics` of `--metrics-port`. */
export const prometheus = (port: Option.Option<number>) =>
  Option.match(port, {
    onNone: () => Layer.empty,
    onSome: (port) =>
      Layer.unwrap(Effect.promise(async () => {
        const NodeHttpServer = await import("@effect/platform-node/NodeHttpServer")
        const { HttpRouter } = await import("effect/http")
        const { PrometheusMetrics } = await import("effect/observability")
        const { createServer } = await import("node:http")
        return HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provide(NodeHttpServer.layer(createServer, { port })),
          Layer.catch(({ cause }) =>
            Layer.effectDiscard(Effect.fail(new UsageError(`--metrics-port ${port} cannot be had: ${String(cause)}`)))
          ),
          Layer.provide(Layer.succeed(References.TracerEnabled, false))
        )
      }))
  })
