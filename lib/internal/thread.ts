/** A worker on a thread of its own. */
import { parentPort } from "node:worker_threads"
import { importJob } from "./importJob.ts"
import * as worker from "./worker.ts"

const port = parentPort!
const post = port.postMessage.bind(port)
// Messages that a job sends by itself have no reader, and must not be taken for the executor's.
port.postMessage = () => {}

port.on(
  "message",
  worker.make({
    post: (message, transfer) => post(message, transfer as Array<ArrayBuffer>),
    moves: true,
    // Not `port.close()`: a timer that a job left behind would hold the thread.
    close: () => process.exit()
  }, importJob)
)
