import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import fs from "node:fs/promises"
import path from "node:path"
import { Recorder } from "../../../lib/mod.ts"
import { type Folder, keepUp } from "../../../scripts/review/watch/keepUp.ts"
import { environment, runRecord, sample } from "../../shared/records.ts"
import { until } from "../../shared/until.ts"
import * as script from "../shared/script.ts"

const live = Effect.provide(Layer.provideMerge(Recorder.Recorder.layer, NodeServices.layer))

/** A journal in a folder that is kept up with, and what is told of it; it names this process, which lives. */
const following = Effect.gen(function*() {
  const folder = yield* script.folder
  const journal = path.join(folder, "run.jsonl")
  const { parameters, startedAt } = runRecord
  const file = yield* Effect.acquireRelease(
    Effect.promise(() => fs.open(journal, "a")),
    (file) => Effect.promise(() => file.close())
  )
  const note = (event: object) => Effect.promise(() => file.appendFile(`${JSON.stringify(event)}\n`))
  yield* note({ _tag: "Start", version: 1, pid: process.pid, script: "made-up", startedAt, environment, parameters })
  let told: Folder | undefined
  yield* Effect.forkScoped(keepUp(folder, (now) => told = now()))
  return { journal, note, files: () => told?.files, digests: () => told?.contents.digests }
})

describe("keepUp", () => {
  it.live("forgets a run whose journal was removed while it was followed, once it has ended", () =>
    Effect.gen(function*() {
      const { digests, files, journal, note } = yield* following
      yield* until(() => digests()?.length === 1)
      yield* Effect.promise(() => fs.rm(journal))
      yield* until(() => files()?.length === 0)
      assert.lengthOf(digests()!, 1)
      yield* note({ _tag: "End", status: "completed", atMs: 1, cpuMs: 1 })
      yield* until(() => digests()?.length === 0)
    }).pipe(live))

  it.live("follows a run also where the system's clock is set an hour ahead again and again", () => {
    const clock = Clock.Clock.defaultValue()
    let hours = 0
    const ahead = () => clock.currentTimeMillisUnsafe() + 3_600_000 * hours++
    return Effect.gen(function*() {
      const { digests, note } = yield* following
      for (let n = 1; n <= 3; n++) {
        yield* note({ _tag: "Sample", cpuMs: 1, ...sample(n, n * 1e6) })
        yield* until(() => digests()?.[0]?.memory.length === n)
      }
    }).pipe(
      live,
      Effect.provideService(
        Clock.Clock,
        Object.assign(Object.create(clock) as Clock.Clock, {
          currentTimeMillisUnsafe: ahead,
          currentTimeMillis: Effect.sync(ahead)
        })
      )
    )
  })
})
