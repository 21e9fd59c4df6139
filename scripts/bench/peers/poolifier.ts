import { FixedThreadPool } from "poolifier"
import type { Pool, Use } from "../pool.ts"

/** Moves inputs; results it can only copy. It stops no job that does not ask whether it should. */
export const open = ({ workers }: Use): Pool => {
  const pool = new FixedThreadPool(workers, new URL("poolifier-worker.js", import.meta.url).pathname, {
    workerOptions: { execArgv: [] },
    enableEvents: process.env["EVENTS"] === "1",
    workerChoiceStrategy: (process.env["STRATEGY"] ?? "LEAST_USED") as "LEAST_USED"
  })
  return {
    run: (job, input, moves) =>
      pool.execute(input, job, undefined, moves && [(input as Float64Array<ArrayBuffer>).buffer]),
    map: (job, inputs) => pool.mapExecute(inputs, job)
  }
}
