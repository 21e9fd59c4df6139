/** Jobs that have an executor of their own. */
import * as Effect from "effect/Effect"
import * as Executor from "../../lib/Executor.ts"
import * as Job from "../../lib/Job.ts"
import * as ProcessExecutor from "../../lib/ProcessExecutor.ts"
import * as ThreadExecutor from "../../lib/ThreadExecutor.ts"
import type * as Board from "./board.ts"
import { busy } from "./faults.ts"
import type * as Notes from "./notes.ts"
import { ticking } from "./ticking.ts"
import { square } from "./values.ts"

/** The sum of the squares, each computed on a thread of this job's own. */
export const sumOfSquares = Job.make(
  import.meta,
  "sumOfSquares",
  (numbers: ReadonlyArray<number>) =>
    Effect.forEach(numbers, (n) => Executor.run(square, n), { concurrency: 2 }).pipe(
      Effect.map((squares) => squares.reduce((sum, n) => sum + n, 0)),
      Effect.provide(ThreadExecutor.layer({ maxWorkers: 2 }))
    )
)

/** A busy loop on a thread of this job's own. */
export const tickingInside = Job.make(
  import.meta,
  "tickingInside",
  (board: Board.Board) => Executor.run(ticking, board).pipe(Effect.provide(ThreadExecutor.layer({ maxWorkers: 1 })))
)

/** A busy loop in a process of this job's own. */
export const busyInProcess = Job.make(
  import.meta,
  "busyInProcess",
  (notes: Notes.Notes) => Executor.run(busy, notes).pipe(Effect.provide(ProcessExecutor.layer({ maxWorkers: 1 })))
)
