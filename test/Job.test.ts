import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Context, Effect, Exit } from "effect"
import { execFile } from "node:child_process"
import { inspect, promisify } from "node:util"
import { sin } from "../lib/jobs/sin.ts"
import { Executor, InlineExecutor, Job } from "../lib/mod.ts"
import * as effects from "./jobs/effects.ts"
import * as values from "./jobs/values.ts"

describe("Job.make", () => {
  it("names the job and the module that makes it", () => {
    assert.strictEqual(values.square.name, "square")
    assert.strictEqual(values.square.module, new URL("./jobs/values.ts", import.meta.url).href)
  })

  it("keeps the function, which can be called without an executor", () => {
    assert.strictEqual(values.square.run(7, {} as Job.Context), 49)
  })

  it("throws for an empty name, and for one that is no string", () => {
    assert.throws(
      () => Job.make(import.meta, "", () => 1),
      TypeError,
      `A job's name must be a non-empty string: received ""`
    )
    assert.throws(
      () => Job.make(import.meta, 7n as never, () => 1),
      TypeError,
      "A job's name must be a non-empty string: received 7n"
    )
  })

  it("throws for what is no import.meta, and for what is no function", () => {
    for (const [meta, received] of [[{}, "{}"], [undefined, "undefined"], [{ url: 1 }, "{ url: 1 }"]]) {
      assert.throws(
        () => Job.make(meta as never, "one", () => 1),
        TypeError,
        `A job's module must be told by import.meta: received ${received}`
      )
    }
    assert.throws(
      () => Job.make(import.meta, "one", 1 as never),
      TypeError,
      `Job "one" must be made of a function: received 1`
    )
  })

  it("infers input, result and failure from the function", () => {
    expectTypeOf(sin).toEqualTypeOf<Job.Job<{ readonly count: number }, Float64Array<ArrayBuffer>>>()
    expectTypeOf(values.squareLater).toEqualTypeOf<Job.Job<number, number>>()
    expectTypeOf(effects.half).toEqualTypeOf<Job.Job<number, number, effects.TooSmall | effects.Odd>>()
    expectTypeOf(Job.make(import.meta, "parse", (json: string) => JSON.parse(json))).toEqualTypeOf<
      Job.Job<string, any>
    >()
  })

  it.live("has a job's module load no Effect, unless the job needs it", () =>
    Effect.gen(function*() {
      const loaded = Effect.fnUntraced(function*(file: string) {
        const program = `
          import { registerHooks } from "node:module"
          const seen = []
          registerHooks({ load: (url, context, next) => (seen.push(url), next(url, context)) })
          await import(${JSON.stringify(new URL(file, import.meta.url).href)})
          console.log(seen.some((url) => url.includes("/node_modules/effect/")))
        `
        const { stdout } = yield* Effect.promise(() =>
          promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program])
        )
        return stdout.trim()
      })
      assert.strictEqual(yield* loaded("../lib/jobs/sin.ts"), "false")
      assert.strictEqual(yield* loaded("../lib/jobs/sinSimd.ts"), "false")
      assert.strictEqual(yield* loaded("./jobs/effects.ts"), "true")
    }))

  it("refuses an Effect that needs a service", () => {
    class Wall extends Context.Service<Wall, { readonly now: number }>()("test/Wall") {}
    // @ts-expect-error a worker has no services
    Job.make(import.meta, "needs", () => Wall.useSync((wall) => wall.now))
    // @ts-expect-error nor has it them for what is an Effect now and then
    Job.make(import.meta, "needsAtTimes", (n: number) => n < 0 ? n : Wall.useSync((wall) => wall.now))
    // @ts-expect-error nobody would run it
    Job.make(import.meta, "promises", (n: number) => Promise.resolve(Effect.succeed(n)))
  })
})

describe("Executor.run", () => {
  it.live("dies of what has no module or no name, and says what was expected", () =>
    Effect.gen(function*() {
      const { module, name } = values.square
      for (const other of [{ module }, { name }, { module, name: 1 }, { module: 1, name }]) {
        const exit = yield* Effect.exit(Executor.run(other as never, 1))
        assert.include(
          String(Exit.findDefect(exit)),
          `Expected a job, as Job.make makes it: received ${inspect(other)}`
        )
      }
    }).pipe(Effect.provide(InlineExecutor.layer())))
})

describe("sin", () => {
  it.live("gives the sines of 0, 1, … radians", () =>
    Effect.gen(function*() {
      const sines = yield* Executor.run(sin, { count: 3 })
      expectTypeOf(sines).toEqualTypeOf<Float64Array<ArrayBuffer>>()
      assert.deepStrictEqual([...sines], [Math.sin(0), Math.sin(1), Math.sin(2)])
    }).pipe(Effect.provide(InlineExecutor.layer())))
})
