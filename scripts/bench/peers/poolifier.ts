import { FixedThreadPool } from "poolifier"
import type { Pool, Use } from "../pool.ts"

export const open = async ({ workers }: Use): Promise<Pool> => {
  const pool = new FixedThreadPool(workers, new URL("poolifier-worker.js", import.meta.url).pathname, {
    workerOptions: { execArgv: [] },
    enableEvents: process.env["EVENTS"] === "1",
    workerChoiceStrategy: (process.env["STRATEGY"] ?? "LEAST_USED") as "LEAST_USED"
  })
  return { run: (job, input, transfer = []) => pool.execute(input, job, undefined, transfer) }
}
