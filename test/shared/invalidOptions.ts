import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Executor, ExecutorError, ThreadExecutor } from "../../lib/mod.ts"
import { square } from "../jobs/values.ts"

type Layer = typeof ThreadExecutor.layer

/** How an executor with `options` refuses to start. */
export const messageFor = (layer: Layer, options: Record<string, unknown>) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Effect.provide(Executor.run(square, 1), layer(options)))
    assert.instanceOf(error, ExecutorError.InvalidOptions)
    return error.message
  })
