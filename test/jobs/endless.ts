/** Jobs that do not end by themselves. */
import * as Job from "../../lib/Job.ts"
import * as Board from "./board.ts"

/** Deaf: nothing but the end of its thread stops it. */
export const busy = Job.make(import.meta, "busy", (board: Board.Board): void => {
  Board.enter(board, 0)
  while (true);
})

/** Ends once nobody wants its result. */
export const polite = Job.make(import.meta, "polite", (board: Board.Board, context): void => {
  Board.enter(board, 0)
  while (!context.cancelled());
  Board.leave(board)
})

/** Asks for its signal once nobody wants its result, and never ends where that does not say so. */
export const lateToListen = Job.make(import.meta, "lateToListen", async (board: Board.Board, context) => {
  Board.enter(board, 0)
  while (!context.cancelled());
  if (!context.signal.aborted) await new Promise(() => {})
  Board.leave(board)
})

/** Awaits what never comes; ends once it is aborted. */
export const abortable = Job.make(import.meta, "abortable", async (board: Board.Board, context): Promise<void> => {
  const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve))
  Board.enter(board, 0)
  await aborted
  Board.leave(board)
})

/** Awaits what never comes, and does not listen. */
export const deaf = Job.make(import.meta, "deaf", (board: Board.Board) => {
  Board.enter(board, 0)
  return new Promise<never>(() => {})
})

/** Returns, and then keeps its thread until the gate is open. */
export const blockAfterwards = Job.make(import.meta, "blockAfterwards", (board: Board.Board): void => {
  setImmediate(() => {
    Board.enter(board, 0)
    Board.blockAtGate(board)
  })
})
