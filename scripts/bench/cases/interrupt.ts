import { setTimeout } from "node:timers/promises"
import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

/** An interruption after one that is not measured: the first may start what the later ones find ready. */
const second = async (begin: () => () => Promise<unknown>, next: () => PromiseLike<unknown>) => {
  const beginBusy = async () => {
    await next()
    await setTimeout(200)
    const interrupt = begin()
    await setTimeout(50)
    return interrupt
  }
  const interruptFirst = await beginBusy()
  await interruptFirst()
  const interrupt = await beginBusy()
  return measure.once(async () => {
    await interrupt()
    await next()
  })
}

/** How soon a worker that was busy for ever is of use again. */
export const interrupt: Case = {
  name: "interrupt",
  description: "From the interruption of a busy loop to the next job's result, on one worker; poolifier and Effect's " +
    "RPC pool stop no busy loop: the next job would wait for ever",
  subjects: [
    ...eachPool(
      () => ({ workers: 1, inFlight: 1 }),
      async (open) => {
        const { begin, run } = await open()
        return second(begin!, () => run("noop", 0))
      },
      ["worker_threads", "piscina", "tinypool", "workerpool"]
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async () => {
        const { Effect, Executor, Fiber, jobs: { busy, noop }, open } = await import("../ours.ts")
        const runtime = open(1)
        const begin = () => {
          const fiber = runtime.runFork(Executor.run(busy, undefined))
          return () => Effect.runPromise(Fiber.interrupt(fiber))
        }
        return second(begin, () => runtime.runPromise(Executor.run(noop, 0)))
      }
    }
  ]
}
