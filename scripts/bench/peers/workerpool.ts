import workerpool from "workerpool"
import type { Pool, Use } from "../pool.ts"

export const open = async ({ workers }: Use): Promise<Pool> => {
  const pool = workerpool.pool(new URL("workerpool-worker.js", import.meta.url).pathname, {
    minWorkers: workers,
    maxWorkers: workers,
    workerType: "thread",
    workerThreadOpts: { execArgv: [] }
  })
  return { run: async (job, input, transfer = []) => pool.exec(job, [input], { transfer }) }
}
