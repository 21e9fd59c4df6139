/** A worker in a process of its own. */
import { importJob } from "./importJob.ts"
import * as worker from "./worker.ts"

const send = process.send!.bind(process)
// See thread.ts.
process.send = () => true

process.on(
  "message",
  worker.make({
    post: (message) => send(message),
    moves: false,
    close: () => process.exit()
  }, importJob)
)
// The executor is gone, and with it whoever waits for a result.
process.on("disconnect", () => process.exit())
// Ctrl-C reaches the whole group of processes: whether to stop is the executor's to say.
process.on("SIGINT", () => {})
