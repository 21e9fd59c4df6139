/** Jobs with which something goes wrong. They are for workers: several end the process or the thread that they run on. */
import { spawn } from "node:child_process"
import { EventEmitter } from "node:events"
import fs from "node:fs"
import { isMainThread } from "node:worker_threads"
import * as Job from "../../lib/Job.ts"
import * as Board from "./board.ts"
import * as Notes from "./notes.ts"

export interface Noting {
  readonly notes: Notes.Notes
  readonly n: number
}

const never = () => new Promise<never>(() => {})

/** What Node prints when a process crashes is no news here. */
const silence = () => {
  if (!isMainThread) return
  fs.closeSync(2)
  fs.openSync("/dev/null", "w")
}

/** Notes that it begins, waits at the gate, and squares. */
export const hold = Job.make(import.meta, "hold", async ({ n, notes }: Noting) => {
  Notes.write(notes, `hold ${n}`)
  await Notes.atGate(notes)
  return n * n
})

/** Squares an even number at once, and an odd one when the gate is open. */
export const holdOdd = Job.make(
  import.meta,
  "holdOdd",
  ({ n, notes }: Noting): number | Promise<number> => n % 2 === 0 ? n * n : Notes.atGate(notes).then(() => n * n)
)

/** Notes the process it runs in, then never ends and never listens. */
export const busy = Job.make(import.meta, "busy", (notes: Notes.Notes): void => {
  Notes.write(notes, `${process.pid}`)
  while (true);
})

/** Notes its number, keeps its worker busy until the gate is open, and squares. */
export const busyAtGate = Job.make(import.meta, "busyAtGate", ({ n, notes }: Noting) => {
  Notes.write(notes, `${n}`)
  while (!Notes.isGateOpen(notes));
  return n * n
})

/** As `busy`, with its event loop free. */
export const deaf = Job.make(import.meta, "deaf", (notes: Notes.Notes) => {
  Notes.write(notes, `${process.pid}`)
  return never()
})

/** Starts a process that never ends, and waits for it. */
export const parent = Job.make(import.meta, "parent", (notes: Notes.Notes) => {
  const child = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "inherit" })
  child.once("spawn", () => Notes.write(notes, `${child.pid}`))
  return never()
})

export const exit = Job.make(import.meta, "exit", (code: number): void => {
  process.exit(code)
})

/** Exits on a negative number. */
export const exitBelowZero = Job.make(import.meta, "exitBelowZero", (n: number) => n < 0 ? process.exit(9) : n)

/** Waits at the gate, then exits. */
export const exitAtGate = Job.make(import.meta, "exitAtGate", async (board: Board.Board): Promise<void> => {
  Board.enter(board, 0)
  await Board.atGate(board)
  process.exit(1)
})

/** Throws in a timer. */
export const throwInTimer = Job.make(import.meta, "throwInTimer", (message: string) => {
  silence()
  setTimeout(() => {
    throw new Error(message)
  })
  return never()
})

/** Catches what it throws in a timer, and then ends its worker. */
export const exitWhenCaught = Job.make(import.meta, "exitWhenCaught", (code: number) => {
  process.once("uncaughtException", () => process.exit(code))
  setTimeout(() => {
    throw new Error("caught")
  })
  return never()
})

/** Emits an error that nobody listens to. */
export const throwInEvent = Job.make(import.meta, "throwInEvent", (message: string) => {
  silence()
  setImmediate(() => new EventEmitter().emit("error", new Error(message)))
  return never()
})

export const rejectUnhandled = Job.make(import.meta, "rejectUnhandled", (message: string) => {
  silence()
  void Promise.reject(new Error(message))
  return never()
})

export const fillHeap = Job.make(import.meta, "fillHeap", (): void => {
  silence()
  const held: Array<unknown> = []
  while (true) held.push(Array.from({ length: 1000 }, () => ({})))
})

/** How deep a function can call itself. */
export const stackDepth = Job.make(import.meta, "stackDepth", (): number => {
  let depth = 0
  const dive = (): void => {
    depth++
    dive()
  }
  try {
    dive()
  } catch {
    return depth
  }
  return Infinity
})

export const overflowStack = Job.make(import.meta, "overflowStack", (): void => {
  const dive = (): void => dive()
  dive()
})

/** Sends a signal to its own process. */
export const signalSelf = Job.make(import.meta, "signalSelf", (signal: NodeJS.Signals) => {
  process.kill(process.pid, signal)
  return never()
})

/** Kills its own group of processes. */
export const killGroup = Job.make(import.meta, "killGroup", () => {
  process.kill(0, "SIGKILL")
  return never()
})

export const abort = Job.make(import.meta, "abort", (): void => {
  silence()
  process.abort()
})

/** Ends its process or thread while its result is cloned. */
export const exitWhenCloned = Job.make(import.meta, "exitWhenCloned", (code: number) => ({
  get value(): number {
    return process.exit(code)
  }
}))

/** Returns, and then ends its process or thread. */
export const exitAfterwards = Job.make(import.meta, "exitAfterwards", (code: number): void => {
  setTimeout(() => process.exit(code), 5)
})

/** Returns, and below zero leaves a rejection that nobody handles. */
export const rejectBelowZero = Job.make(import.meta, "rejectBelowZero", (n: number): void => {
  if (n >= 0) return
  silence()
  void Promise.reject(new Error("nobody handles this"))
})

/** Returns, and then keeps its process or thread busy for ever. */
export const busyAfterwards = Job.make(import.meta, "busyAfterwards", (notes: Notes.Notes): void => {
  setImmediate(() => {
    Notes.write(notes, "busy")
    while (true);
  })
})

/** Ends its worker the first `deaths` times that it is run, by the lines it has noted; then it may never end. */
export const dieAtFirst = Job.make(
  import.meta,
  "dieAtFirst",
  (
    { deaths, hangs = false, notes }: {
      readonly deaths: number
      readonly notes: Notes.Notes
      readonly hangs?: boolean
    },
    context
  ): number | Promise<number> => {
    Notes.write(notes, `${context.workerId}`)
    if (Notes.lines(notes).length <= deaths) process.exit(1)
    return hangs ? never() : context.workerId
  }
)

/** Notes that it was run, and throws. */
export const throwNoting = Job.make(import.meta, "throwNoting", (notes: Notes.Notes): void => {
  Notes.write(notes, "thrown")
  throw new Error("thrown on purpose")
})

/** Notes its number, keeps its worker busy by its own clock, and squares or ends its worker. */
export const work = Job.make(
  import.meta,
  "work",
  ({ dies = false, ms, n, notes }: Noting & { readonly ms: number; readonly dies?: boolean }) => {
    Notes.write(notes, `${n}`)
    const end = performance.now() + ms
    while (performance.now() < end);
    return dies ? process.exit(1) : n * n
  }
)

/** Squares, or does what it is told. */
export const fickle = Job.make(
  import.meta,
  "fickle",
  ({ fault, n }: { readonly n: number; readonly fault: "none" | "throw" | "exit" | "hang" | "uncloneable" }) => {
    if (fault === "throw") throw new RangeError(`no ${n}`)
    if (fault === "exit") process.exit(n % 256)
    if (fault === "uncloneable") return () => n
    if (fault === "hang") { while (true); }
    return n * n
  }
)

/** Ends its worker on a number below zero, whatever large thing comes with it. */
export const exitOnData = Job.make(
  import.meta,
  "exitOnData",
  ({ data, n }: { readonly n: number; readonly data: string }) => n < 0 ? process.exit(9) : data.length + n
)
