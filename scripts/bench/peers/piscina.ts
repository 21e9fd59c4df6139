import { move, Piscina } from "piscina"
import type { Pool, Use } from "../pool.ts"
import { untilAborted } from "./until-aborted.ts"

/** With atomics, which are on by default, and as many jobs to a worker as are in flight. */
export const open = ({ inFlight, workers }: Use): Pool => {
  const pool = new Piscina({
    filename: new URL("piscina-worker.js", import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    execArgv: [],
    recordTiming: false,
    concurrentTasksPerWorker: Math.ceil(inFlight / workers)
  })
  return {
    run: (name, input, moves) => pool.run(moves ? move(input as Float64Array) : input, { name }),
    begin: untilAborted((signal) => pool.run(undefined, { name: "busy", signal }))
  }
}
