/** By hand on `worker_threads`, one message a job and one a result: the floor that pools are measured against. */
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import type { Pool, Use } from "../pool.ts"

export const open = async ({ workers: size }: Use): Promise<Pool> => {
  const workers = Array.from({ length: size }, () => {
    const worker = new Worker(new URL("worker-threads-worker.js", import.meta.url), { execArgv: [] })
    return { worker, waiting: [] as Array<(result: unknown) => void> }
  })
  await Promise.all(workers.map(({ worker }) => once(worker, "message")))
  for (const { waiting, worker } of workers) worker.on("message", (result) => waiting.shift()!(result))
  return {
    run: (job, input, transfer) =>
      new Promise((resolve) => {
        const { waiting, worker } = workers.reduce((a, b) => b.waiting.length < a.waiting.length ? b : a)
        waiting.push(resolve)
        worker.postMessage([job, input], transfer)
      })
  }
}
