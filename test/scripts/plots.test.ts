import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import path from "node:path"
import { Recorder } from "../../lib/mod.ts"
import { draw } from "../../scripts/plots.ts"
import { read, root } from "./shared/script.ts"

const services = Layer.provideMerge(Recorder.Recorder.layer, NodeServices.layer)

describe("scripts/plots.ts", () => {
  it.live("draws what is committed, which README shows and describes", () =>
    Effect.gen(function*() {
      const readme = yield* read(path.join(root, "README.md"))
      for (const { file, text } of yield* draw) {
        const name = path.relative(root, file)
        assert.strictEqual(yield* read(file), text, `${name} is not what npm run plots makes of the records`)
        assert.match(readme, new RegExp(`!\\[[^\\]]{20,}\\]\\(${RegExp.escape(name)}\\)`), name)
      }
    }).pipe(Effect.provide(services)))
})
