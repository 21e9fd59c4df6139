import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { UsageError } from "../../../scripts/shared/main.ts"
import { prometheus } from "../../../scripts/shared/observability.ts"
import * as script from "./script.ts"

describe("prometheus", () => {
  it.live("says which port it cannot have", () =>
    Effect.gen(function*() {
      const port = yield* script.listen(() => {})
      const error = yield* Effect.flip(Layer.build(prometheus(Option.some(port))))
      assert.instanceOf(error, UsageError)
      assert.match(error.message, new RegExp(`^--metrics-port ${port} cannot be had: .*EADDRINUSE`))
    }))
})
