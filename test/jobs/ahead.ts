import * as Job from "../../lib/Job.ts"
import * as Board from "./board.ts"

export interface Step {
  readonly board: Board.Board
  readonly label: number
  readonly does: "return" | "block" | "exit"
}

/** Notes that it runs. It is one job, whatever it does, so one that blocks comes as unexpected as one that dies. */
export const step = Job.make(import.meta, "step", ({ board, does, label }: Step) => {
  Board.enter(board, label)
  if (does === "exit") process.exit(3)
  if (does === "block") Board.blockAtGate(board)
  Board.leave(board)
  return label
})

/** Waits at the gate and then for so long, without a pause. Its result comes in a message. */
export const wait = Job.make(
  import.meta,
  "wait",
  ({ board, label, ms }: { readonly board: Board.Board; readonly label: number; readonly ms: number }) => {
    Board.enter(board, label)
    Board.blockAtGate(board)
    const end = performance.now() + ms
    while (performance.now() < end);
    return { label }
  }
)

/** Returns, then keeps its thread until the gate is at its label, and ends it. */
export const exitAtGate = Job.make(
  import.meta,
  "exitAtGate",
  ({ gate, label }: { readonly gate: Int32Array; readonly label: number }) => {
    process.nextTick(() => {
      while (Atomics.load(gate, 0) < label);
      process.exit(3)
    })
    return label
  }
)

/** The sum of an array. */
export const sum = Job.make(import.meta, "sum", (array: Float64Array) => array.reduce((a, b) => a + b, 0))

/** Allocates a megabyte that it does not return; bytes of the ArrayBuffers that its worker has then. */
export const scratch = Job.make(import.meta, "scratch", (_: number, context) => {
  context.allocate(Uint8Array, 1_000_000)
  return process.memoryUsage().arrayBuffers
})
