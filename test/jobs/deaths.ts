/** Jobs that take their worker with them. */
import * as Job from "../../lib/Job.ts"
import * as Board from "./board.ts"

export const exit = Job.make(import.meta, "exit", (code: number): void => {
  process.exit(code)
})

/** Throws outside of the job's call, which then never ends. */
export const throwLater = Job.make(import.meta, "throwLater", (message: string) => {
  setTimeout(() => {
    throw new Error(message)
  })
  return new Promise<never>(() => {})
})

export const fillMemory = Job.make(import.meta, "fillMemory", (): void => {
  const held: Array<unknown> = []
  while (true) held.push(Array.from({ length: 1000 }, () => ({})))
})

/** Exits on a negative number. */
export const exitBelowZero = Job.make(import.meta, "exitBelowZero", (n: number) => n < 0 ? process.exit(9) : n)

/** Waits at the gate, then exits. */
export const exitAtGate = Job.make(import.meta, "exitAtGate", async (board: Board.Board): Promise<void> => {
  Board.enter(board, 0)
  await Board.atGate(board)
  process.exit(1)
})
