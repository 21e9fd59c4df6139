/** By hand on `worker_threads`, one message a job and one a result: the floor that pools are measured against. */
import { Worker } from "node:worker_threads"
import type { Pool, Use } from "../pool.ts"

const start = () => {
  const worker = new Worker(new URL("worker-threads-worker.js", import.meta.url), { execArgv: [] })
  const waiting: Array<(result: unknown) => void> = []
  worker.on("message", (result) => waiting.shift()!(result))
  return { waiting, worker }
}

export const open = ({ workers: size }: Use): Pool => {
  const workers = Array.from({ length: size }, start)
  const leastBusy = () => workers.reduce((a, b) => b.waiting.length < a.waiting.length ? b : a)
  return {
    run: (job, input, moves) =>
      new Promise((resolve) => {
        const { waiting, worker } = leastBusy()
        waiting.push(resolve)
        worker.postMessage([job, input], moves && [(input as Float64Array<ArrayBuffer>).buffer])
      }),
    begin: () => {
      const busy = workers.indexOf(leastBusy())
      workers[busy]!.worker.postMessage(["busy"])
      return async () => {
        await workers[busy]!.worker.terminate()
        workers[busy] = start()
      }
    }
  }
}
