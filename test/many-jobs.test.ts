import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import { Executor, Memory, ThreadExecutor } from "../lib/mod.ts"
import { fickle } from "./jobs/faults.ts"
import { tagOf } from "./shared/faults.ts"

/** How many jobs; `npm run soak` has a million. */
const count = Number(process.env["MANY_JOBS"] ?? 5000)
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

/** Numbers from 0 up to 1 that `seed` foretells. */
const random = (() => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
})()

const faults = ["throw", "exit", "hang", "uncloneable"] as const
type Fault = (typeof faults)[number]

const tags = { throw: "JobThrew", exit: "WorkerDied", hang: "Interrupted", uncloneable: "CloneError" } as const

/** One job in a hundred, at random. */
const faultOf = (): Fault | "none" => random() < 0.01 ? faults[Math.floor(random() * faults.length)]! : "none"

const runOne = (n: number, fault: Fault | "none") => {
  const exit = Effect.exit(Executor.run(fickle, { n, fault }))
  return fault === "hang"
    ? Effect.timeoutOrElse(exit, { duration: random() * 20, orElse: () => Effect.succeed(Exit.interrupt()) })
    : exit
}

describe(`many small jobs, one in a hundred with a fault (seed ${seed})`, () => {
  it.live(
    `each has its own result, the figures add up, and workers stay within their bound: ${count} jobs`,
    () =>
      Effect.gen(function*() {
        const { stats } = yield* Executor.Executor
        const seen = { throw: 0, exit: 0, hang: 0, uncloneable: 0, none: 0 }
        const memory: Array<number> = []
        let mostWorkers = 0
        let wrong = 0

        yield* Stream.range(0, count - 1).pipe(
          Stream.map((n) => ({ n, fault: faultOf() })),
          Stream.mapEffect(({ fault, n }) => Effect.map(runOne(n, fault), (exit) => ({ exit, fault, n })), {
            concurrency: 32,
            unordered: true
          }),
          Stream.runForEach(({ exit, fault, n }) =>
            Effect.gen(function*() {
              seen[fault]++
              const right = fault === "none"
                ? Exit.isSuccess(exit) && exit.value === n * n
                : tagOf(exit) === tags[fault]
              if (!right) wrong++
              assert.isBelow(wrong, 1, `${n} ${fault}: ${exit}`)
              if (n % 64 === 0) mostWorkers = Math.max(mostWorkers, (yield* stats).workers)
              if (n > 0 && n % (count / 10) === 0) {
                Memory.collectUnsafe()
                memory.push(process.memoryUsage().heapUsed)
              }
            })
          )
        )

        assert.isAtMost(mostWorkers, 3)
        assert.deepInclude(yield* stats, {
          finished: seen.none,
          failed: count - seen.none,
          died: seen.exit,
          queued: 0,
          busy: 0
        })
        // What jobs leave behind would add up.
        assert.isBelow(memory.at(-1)! - memory[2]!, 2_000_000 + 8 * count, `heap: ${memory.join(", ")}`)
      }).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 3, cancelGrace: 1 }))),
    Math.max(60_000, count * 5)
  )
})
