/** The experiment by hand on `worker_threads`: the floor that an executor is measured against. */
import { once } from "node:events"
import { Worker } from "node:worker_threads"

export const start = async (workers: number): Promise<Array<Worker>> => {
  const started = Array.from(
    { length: workers },
    () => new Worker(new URL("bare-worker.ts", import.meta.url), { execArgv: [] })
  )
  await Promise.all(started.map((worker) => once(worker, "message")))
  return started
}

/** Each worker takes the next job when it has done one; a result is dropped when it has come. */
export const run = async (workers: ReadonlyArray<Worker>, { count, jobs }: { jobs: number; count: number }) => {
  let left = jobs
  await Promise.all(workers.map(async (worker) => {
    while (left-- > 0) {
      worker.postMessage({ count })
      await once(worker, "message")
    }
  }))
}

export const stop = (workers: ReadonlyArray<Worker>) => Promise.all(workers.map((worker) => worker.terminate()))
