/**
 * Memory that a test shares with its jobs, whatever thread they run on: the jobs note there what they do, and wait
 * there until the test lets them go on.
 */
export type Board = Int32Array<SharedArrayBuffer>

const cell = { started: 0, running: 1, mostRunning: 2, ended: 3, gate: 4, starts: 8 } as const

export const make = (): Board => new Int32Array(new SharedArrayBuffer(4 * 4096))

/** A job begins; `label` says which. */
export const enter = (board: Board, label: number): void => {
  board[cell.starts + Atomics.add(board, cell.started, 1)] = label
  const running = Atomics.add(board, cell.running, 1) + 1
  for (let most = 0; (most = Atomics.load(board, cell.mostRunning)) < running;) {
    Atomics.compareExchange(board, cell.mostRunning, most, running)
  }
}

/** A job ends. */
export const leave = (board: Board): void => {
  Atomics.sub(board, cell.running, 1)
  Atomics.add(board, cell.ended, 1)
}

/** Returns when the test has opened the gate. */
export const atGate = async (board: Board): Promise<void> => {
  await Atomics.waitAsync(board, cell.gate, 0).value
}

/** The same, and keeps the thread. */
export const blockAtGate = (board: Board): void => {
  Atomics.wait(board, cell.gate, 0)
}

export const openGate = (board: Board): void => {
  Atomics.store(board, cell.gate, 1)
  Atomics.notify(board, cell.gate)
}

export const started = (board: Board): number => Atomics.load(board, cell.started)
export const running = (board: Board): number => Atomics.load(board, cell.running)
export const mostRunning = (board: Board): number => Atomics.load(board, cell.mostRunning)
export const ended = (board: Board): number => Atomics.load(board, cell.ended)

/** The labels of the jobs, in the order in which they began. */
export const starts = (board: Board): Array<number> =>
  Array.from(board.subarray(cell.starts, cell.starts + started(board)))
