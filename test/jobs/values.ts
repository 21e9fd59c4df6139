import { setImmediate } from "node:timers/promises"
import { getHeapStatistics } from "node:v8"
import { isMainThread } from "node:worker_threads"
import * as Job from "../../lib/Job.ts"
import * as Board from "./board.ts"

export const square = Job.make(import.meta, "square", (n: number) => n * n)

export const squareLater = Job.make(import.meta, "squareLater", async (n: number) => {
  await setImmediate()
  return n * n
})

export const lengthOf = Job.make(import.meta, "lengthOf", (value: object) => Object.keys(value).length)

export const echo = Job.make(import.meta, "echo", (value: unknown) => value)

/** Changes its input. */
export const append = Job.make(import.meta, "append", ({ list }: { readonly list: Array<number> }) => list.push(0))

const kept: ReadonlyArray<number> = []

/** Always the same array. */
export const keeps = Job.make(import.meta, "keeps", () => kept)

export const onMainThread = Job.make(import.meta, "onMainThread", () => isMainThread)

export const workerId = Job.make(import.meta, "workerId", (_: void, context) => context.workerId)

export const variable = Job.make(import.meta, "variable", (name: string) => process.env[name])

export const heapLimit = Job.make(import.meta, "heapLimit", () => getHeapStatistics().heap_size_limit)

export const execArgv = Job.make(import.meta, "execArgv", () => process.execArgv)

/** Notes that it began and ended, and waits at the gate in between. */
export const hold = Job.make(
  import.meta,
  "hold",
  async ({ board, label }: { readonly board: Board.Board; readonly label: number }) => {
    Board.enter(board, label)
    await Board.atGate(board)
    Board.leave(board)
    return label
  }
)

/** Notes that it began and ended. */
export const note = Job.make(
  import.meta,
  "note",
  ({ board, label }: { readonly board: Board.Board; readonly label: number }) => {
    Board.enter(board, label)
    Board.leave(board)
    return label
  }
)

/** Fails on a negative number. */
export const root = Job.make(import.meta, "root", (n: number) => {
  if (n < 0) throw new RangeError(`no root of ${n}`)
  return Math.sqrt(n)
})

/** A negative number has a result that cannot be cloned. */
export const functionBelowZero = Job.make(import.meta, "functionBelowZero", (n: number) => n < 0 ? () => n : n)

/** A negative number has a result that is shared memory. */
export const sharedBelowZero = Job.make(
  import.meta,
  "sharedBelowZero",
  (n: number) => n < 0 ? new SharedArrayBuffer(8) : n
)

/** Node's types declare the global as no value. */
declare const WebAssembly: { readonly Module: new(code: Uint8Array) => object }

/** Things of Node's own that look like plain objects, and code that another process cannot read. */
export const ofNode = {
  url: () => new URL("http://localhost"),
  blob: () => new Blob(["text"]),
  headers: () => new Headers(),
  module: () => new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
}

export const thingOfNode = Job.make(import.meta, "thingOfNode", (kind: keyof typeof ofNode) => [ofNode[kind]()])

/** An array of bytes that are all `n`. */
export const bytes = Job.make(
  import.meta,
  "bytes",
  ({ count, n }: { readonly count: number; readonly n: number }, context) => context.allocate(Uint8Array, count).fill(n)
)

/** Has a result that resists being looked at. */
export const hostileResult = Job.make(import.meta, "hostileResult", (_: void, context) => ({
  array: context.allocate(Uint8Array, 1),
  get secret(): number {
    throw new Error("do not look")
  }
}))

/** Its prototype cannot even be asked for. */
export const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** A negative number has a result that nobody can look at, beside an array that moves. */
export const revokedBelowZero = Job.make(
  import.meta,
  "revokedBelowZero",
  (n: number, context) => ({ n, array: context.allocate(Uint8Array, 1), proxy: n < 0 ? revoked() : {} })
)

/** Waits so many milliseconds, if any. */
export const rest = Job.make(
  import.meta,
  "rest",
  ({ ms }: { readonly ms: number; readonly deep?: object }): number | Promise<number> =>
    ms === 0 ? 0 : new Promise((resolve) => setTimeout(resolve, ms, ms))
)

/** An object in an object, and so on. */
export const nested = Job.make(import.meta, "nested", (depth: number) => {
  let object = {}
  for (let n = 0; n < depth; n++) object = { object }
  return object
})
