/** A worker in a process of its own. */
import { Worker } from "node:worker_threads"
import { describe, unread } from "./errorCodec.ts"
import { importJob } from "./importJob.ts"
import { packed, unpacked } from "./packing.ts"
import type { FromWorker, ToWorker } from "./protocol.ts"
import * as worker from "./worker.ts"

const send = process.send!.bind(process)

/** The number of the latest item that has begun, or that none is to begin any more. */
const latest = new BigInt64Array(new SharedArrayBuffer(8))
const none = -1n

const claim = (item: number): boolean => {
  const before = Atomics.load(latest, 0)
  return before !== none && Atomics.compareExchange(latest, 0, before, BigInt(item)) === before
}

// A thread of its own waits for the end of the pipe that the executor holds, for a busy loop would not hear of that. By the
// same pipe it is asked to hold back an item that has not begun.
const watch = () =>
  new Worker(
    `const { workerData: { latest, none } } = require("node:worker_threads")
    const holdBack = (item) => {
      const before = Atomics.load(latest, 0)
      return before < item && Atomics.compareExchange(latest, 0, before, none) === before
    }
    const pipe = new (require("node:net").Socket)({ fd: 4 })
    pipe.on("error", () => {})
    pipe.on("close", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), 500))
    pipe.on("data", (asked) => holdBack(asked.readBigInt64LE()) && pipe.write("held"))`,
    { eval: true, execArgv: [], stdin: false, workerData: { latest, none } }
  ).unref()

try {
  watch()
} catch (cause) {
  const reason = `the thread that watches over it cannot be started: ${describe(cause).message}`
  const message: FromWorker = { _tag: "SetupFailed", reason }
  await new Promise(() => send([1, message], () => process.exit(1)))
}

const removeAllListeners = process.removeAllListeners.bind(process)
const removeListener = process.removeListener.bind(process)
const receive = worker.make({
  post: (message) => send(message[0] === 1 ? [1, packed(message[1])] : message),
  close: () => process.exit(),
  isElsewhere: true,
  claim
}, importJob)

const readable = (message: ToWorker): worker.Inbound | undefined => {
  try {
    return [0, unpacked(message)]
  } catch (cause) {
    return void send(unread("input", cause))
  }
}

const listeners = {
  message: (message: worker.Inbound) => {
    const read = message[0] === 0 ? readable(message[1]) : message
    if (read !== undefined) receive(read)
  },
  // The executor is gone, and with it whoever waits for a result.
  disconnect: () => process.exit(),
  // So it is where a reply can no longer be sent.
  error: () => process.exit(),
  uncaughtExceptionMonitor: (thrown: unknown) => {
    if (process.listenerCount("uncaughtException") > 0) return
    const { message, name } = describe(thrown)
    send([1, { _tag: "Uncaught", error: `${name}: ${message}` } satisfies FromWorker])
  }
}

const listen = () => {
  for (const [event, listener] of Object.entries(listeners)) {
    if (!process.listeners(event).includes(listener)) process.on(event, listener)
  }
  return process
}

const remove = (event: string, listener: () => void) => {
  removeListener(event, listener)
  return listen()
}

// See thread.ts.
Object.assign(process, {
  send: () => true,
  off: remove,
  removeListener: remove,
  removeAllListeners: (event?: string) => {
    removeAllListeners(event)
    return listen()
  }
})
Object.assign(process.channel!, { unref: () => {} })
listen()
