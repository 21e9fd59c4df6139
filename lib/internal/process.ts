/** A worker in a process of its own. */
import { Worker } from "node:worker_threads"
import { describe } from "./errorCodec.ts"
import { importJob } from "./importJob.ts"
import { packed, unpacked } from "./packing.ts"
import { type FromWorker, type ToWorker, unread } from "./protocol.ts"
import * as worker from "./worker.ts"

const send = process.send!.bind(process)

// A busy loop does not hear of it, so a thread of its own waits for the end of the pipe that the executor holds.
const watch = () =>
  new Worker(
    `const end = () => setTimeout(() => process.kill(process.pid, "SIGKILL"), 500)
    new (require("node:net").Socket)({ fd: 4 }).on("error", () => {}).on("close", end).resume()`,
    { eval: true, execArgv: [], stdin: false }
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
  isElsewhere: true
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
  error: () => process.exit()
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
