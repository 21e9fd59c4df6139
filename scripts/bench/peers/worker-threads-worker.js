// The worker of worker-threads.ts: a job's own function, and nothing around it.
import { parentPort } from "node:worker_threads"
import * as all from "../jobs.js"

const jobs = { ...all }

parentPort.on("message", ([job, input]) => {
  const result = jobs[job](input)
  parentPort.postMessage(result, ArrayBuffer.isView(result) ? [result.buffer] : [])
})
