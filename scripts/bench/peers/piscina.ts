import { move, Piscina } from "piscina"
import type { Pool, Use } from "../pool.ts"

export const open = async ({ inFlight, workers }: Use): Promise<Pool> => {
  const pool = new Piscina({
    filename: new URL("piscina-worker.js", import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    execArgv: [],
    recordTiming: false,
    atomics: (process.env["ATOMICS"] ?? "sync") as "sync",
    concurrentTasksPerWorker: Math.ceil(inFlight / workers)
  })
  return {
    run: (name, input, transfer) => pool.run(transfer === undefined ? input : move(input as ArrayBufferView), { name })
  }
}
