/** How soon a worker that was busy for ever is of use again. */
import { Effect, Fiber, type Scope } from "effect"
import { Piscina } from "piscina"
import workerpool from "workerpool"
import { Executor } from "../../lib/mod.ts"
import type { Case, Subject } from "./cases.ts"
import { busy, noop } from "./interrupt-jobs.ts"
import { executor } from "./subjects.ts"

interface Pool {
  /** Begins a busy loop; what it gives interrupts it. */
  readonly beginBusy: Effect.Effect<Effect.Effect<unknown>>
  readonly next: Effect.Effect<unknown, unknown>
}

/** An interruption after one that is not measured, for the first may have to start what the later ones find ready. */
const subject = (name: string, makePool: Effect.Effect<Pool, unknown, Scope.Scope>): Subject => ({
  name,
  prepare: () =>
    Effect.gen(function*() {
      const { beginBusy, next } = yield* makePool
      const begin = Effect.tap(beginBusy, Effect.sleep("50 millis"))
      yield* Effect.flatten(begin)
      yield* next
      yield* Effect.sleep("200 millis")
      return yield* Effect.map(begin, (interrupt) => Effect.andThen(interrupt, next))
    })
})

export const interrupt: Case = {
  name: "interrupt",
  description: "From the interruption of a busy loop to the next job's result, on one worker",
  subjects: [
    subject(
      "piscina",
      Effect.gen(function*() {
        const filename = new URL("piscina-worker.js", import.meta.url).href
        const pool = yield* Effect.acquireRelease(
          Effect.sync(() => new Piscina({ filename, minThreads: 1, maxThreads: 1, execArgv: [] })),
          (pool) => Effect.promise(() => pool.destroy())
        )
        return {
          beginBusy: Effect.sync(() => {
            const controller = new AbortController()
            const ended = pool.run(undefined, { name: "busy", signal: controller.signal }).catch(() => {})
            return Effect.promise(() => {
              controller.abort()
              return ended
            })
          }),
          next: Effect.promise(() => pool.run(undefined, { name: "noop" }))
        }
      })
    ),
    subject(
      "workerpool",
      Effect.gen(function*() {
        const worker = new URL("workerpool-worker.js", import.meta.url).pathname
        const pool = yield* Effect.acquireRelease(
          Effect.sync(() => workerpool.pool(worker, { minWorkers: 1, maxWorkers: 1, workerType: "thread" })),
          (pool) => Effect.promise(async () => pool.terminate(true))
        )
        return {
          beginBusy: Effect.sync(() => {
            const running = pool.exec("busy")
            const ended = running.catch(() => {})
            return Effect.promise(async () => {
              running.cancel()
              await ended
            })
          }),
          next: Effect.promise(async () => pool.exec("noop"))
        }
      })
    ),
    subject(
      "ThreadExecutor",
      Effect.map(executor(1), (context) => ({
        beginBusy: Effect.map(Executor.submit(busy, undefined), Fiber.interrupt).pipe(Effect.provide(context)),
        next: Effect.provide(Executor.run(noop, undefined), context)
      }))
    )
  ]
}
