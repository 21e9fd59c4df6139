import { Tinypool } from "tinypool"
import type { Pool, Use } from "../pool.ts"

export const open = async ({ inFlight, workers }: Use): Promise<Pool> => {
  const pool = new Tinypool({
    filename: new URL("tinypool-worker.js", import.meta.url),
    minThreads: workers,
    maxThreads: workers,
    execArgv: [],
    useAtomics: process.env["ATOMICS"] !== "disabled",
    concurrentTasksPerWorker: Math.ceil(inFlight / workers)
  })
  return {
    run: (name, input, transfer) =>
      pool.run(transfer === undefined ? input : Tinypool.move(input as ArrayBufferView), { name })
  }
}
