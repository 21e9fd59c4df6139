/** A worker on a thread of its own. */
import { parentPort } from "node:worker_threads"
import { unread } from "./errorCodec.ts"
import { importJob } from "./importJob.ts"
import { read, written } from "./texts.ts"
import * as worker from "./worker.ts"

const port = parentPort!
const post = port.postMessage.bind(port)
const removeAllListeners = port.removeAllListeners.bind(port)
const handle = worker.make({
  post: (message, transfer) =>
    post(message[0] === 1 ? [1, written(message[1])] : message, transfer as Array<ArrayBuffer>),
  // Not `port.close()`: a timer that a job left behind would hold the thread.
  close: () => process.exit(),
  onExit: (listener) => process.on("exit", listener)
}, importJob)

const listeners = {
  message: (message: worker.Inbound) => handle(message[0] === 0 ? [0, read(message[1])] : message),
  // A message that cannot be read is one that would never be answered.
  messageerror: (error: unknown) => post(unread("input", error))
}

/** One that listens already is not added again. */
const listen = () => {
  for (const [event, listener] of Object.entries(listeners)) port.on(event, listener)
  return port
}

// Messages that a job sends by itself have no reader, and must not be taken for the executor's. Nor may it cut that off.
Object.assign(port, {
  postMessage: () => {},
  close: () => {},
  unref: () => {},
  removeAllListeners: (event?: string) => {
    removeAllListeners(event)
    return listen()
  }
})
listen()
