// A worker of BullMQ, in a process of its own.
import { Worker } from "bullmq"
import { noop } from "../jobs.js"

const worker = new Worker("bench", async ({ data }) => noop(data), {
  connection: { port: Number(process.argv[2]), maxRetriesPerRequest: null },
  concurrency: 1
})
await worker.waitUntilReady()
console.log("ready")
