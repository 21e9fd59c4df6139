import workerpool from "workerpool"
import type { Pool, Use } from "../pool.ts"

export const open = ({ workers }: Use): Pool => {
  const pool = workerpool.pool(new URL("workerpool-worker.js", import.meta.url).pathname, {
    minWorkers: workers,
    maxWorkers: workers,
    workerType: "thread",
    workerThreadOpts: { execArgv: [] }
  })
  return {
    run: (job, input, moves) =>
      pool.exec(job, [input], moves && { transfer: [(input as Float64Array<ArrayBuffer>).buffer] }),
    begin: () => {
      const running = pool.exec("busy")
      const ended = running.catch(() => {})
      return async () => {
        running.cancel()
        await ended
      }
    }
  }
}
