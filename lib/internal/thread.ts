/** A worker on a thread of its own. */
import { parentPort } from "node:worker_threads"
import { importJob } from "./importJob.ts"
import * as worker from "./worker.ts"

const port = parentPort!

port.on(
  "message",
  worker.make({
    post: (message, transfer) => port.postMessage(message, transfer),
    moves: true,
    // Not `port.close()`: a timer that a job left behind would hold the thread.
    close: () => process.exit()
  }, importJob)
)
