/** Closes an executor whose workers are in busy loops, and should then end by itself. */
import { Console, Effect } from "effect"
import { Executor, ThreadExecutor } from "../../lib/mod.ts"
import * as Board from "../jobs/board.ts"
import { busy } from "../jobs/endless.ts"
import { until } from "../shared/until.ts"

const board = Board.make()

const program = Effect.gen(function*() {
  for (const _ of [1, 2]) yield* Executor.submit(busy, board)
  yield* until(() => Board.started(board) === 2)
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(ThreadExecutor.layer({ maxWorkers: 2 })),
    Effect.andThen(Console.log("closed"))
  )
)
