/** Runs the Effect that a job returned. The one module of a worker that loads Effect. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { describe, encodeError, reasonFor } from "./errorCodec.ts"
import type { EndedSpan, Outcome } from "./protocol.ts"

/** Collects the spans that end in `spans`, where somebody traces the caller. */
export const run = async (
  effect: Effect.Effect<unknown, unknown>,
  signal: AbortSignal,
  spans: Array<EndedSpan> | undefined
): Promise<Outcome> => {
  const traced = spans === undefined ? effect : Effect.withTracer(effect, collector(spans))
  const exit = await Effect.runPromiseExit(traced, { signal })
  if (Exit.isSuccess(exit)) return { _tag: "Succeeded", value: exit.value }
  const failure = Cause.findError(exit.cause)
  return Result.isSuccess(failure)
    ? failed(failure.success)
    : { _tag: "Threw", thrown: describe(Cause.squash(exit.cause)) }
}

const failed = (failure: unknown): Outcome => {
  try {
    return { _tag: "Failed", error: encodeError(failure) }
  } catch (cause) {
    return { _tag: "NotCloned", side: "result", reason: describe(cause).message }
  }
}

const collector = (spans: Array<EndedSpan>): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = Tracer.nativeTracer.span(options)
      const end = span.end.bind(span)
      return Object.assign(span, {
        end: (endTime: bigint, exit: Exit.Exit<unknown, unknown>) => {
          end(endTime, exit)
          spans.push({
            spanId: span.spanId,
            parentId: Option.getOrUndefined(Option.map(span.parent, (parent) => parent.spanId)),
            name: span.name,
            kind: span.kind,
            startTime: options.startTime,
            endTime,
            attributes: [...span.attributes].map(([key, value]) => [key, cloneable(value)]),
            error: Exit.isSuccess(exit) ? undefined : reasonFor(Cause.squash(exit.cause))
          })
        }
      })
    }
  })

/** An attribute as it is where it is plain, as text where it may not be cloned. */
const cloneable = (value: unknown): unknown =>
  ["object", "function", "symbol"].includes(typeof value) ? describe(value).message : value

/** Tells the caller's tracer of the spans that ended in a worker, as descendants of the caller's own. */
export const replay = (tracer: Tracer.Tracer, caller: Tracer.AnySpan, spans: ReadonlyArray<EndedSpan>): void => {
  const replayed = new Map<string, Tracer.Span>()
  // Those that began at the same time ended from the inside out.
  for (const ended of spans.toReversed().toSorted((a, b) => Number(a.startTime - b.startTime))) {
    const span = tracer.span({
      name: ended.name,
      kind: ended.kind,
      parent: Option.some((ended.parentId === undefined ? undefined : replayed.get(ended.parentId)) ?? caller),
      annotations: Context.empty(),
      links: [],
      startTime: ended.startTime,
      root: false,
      sampled: caller.sampled
    })
    for (const [key, value] of ended.attributes) span.attribute(key, value)
    span.end(ended.endTime, ended.error === undefined ? Exit.void : Exit.fail(ended.error))
    replayed.set(ended.spanId, span)
  }
}
