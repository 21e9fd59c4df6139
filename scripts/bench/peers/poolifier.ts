import { FixedThreadPool } from "poolifier"
import type { Pool, Use } from "../pool.ts"

/**
 * With a queue where more jobs are in flight than there are workers, and without events.
 *
 * It moves inputs, and can only copy results. It stops no job that does not ask whether it should.
 */
export const open = ({ inFlight, workers }: Use): Pool => {
  const pool = new FixedThreadPool(workers, new URL("poolifier-worker.js", import.meta.url).pathname, {
    workerOptions: { execArgv: [] },
    enableEvents: false,
    enableTasksQueue: inFlight > workers,
    tasksQueueOptions: { concurrency: Math.ceil(inFlight / workers) }
  })
  return {
    run: (job, input, moves) =>
      pool.execute(input, job, undefined, moves && [(input as Float64Array<ArrayBuffer>).buffer]),
    map: (job, inputs) => pool.mapExecute(inputs, job)
  }
}
