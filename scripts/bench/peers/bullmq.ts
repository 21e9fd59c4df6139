/** BullMQ on a Redis of its own that writes each change to its disk, as a database does. */
import { Queue, QueueEvents } from "bullmq"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import fs from "node:fs/promises"
import os from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { freePort } from "../../shared/postgres.ts"

/** Measures with so many workers, each a process that runs one job at a time. */
export const withBullMq = async <A>(
  workers: number,
  measure: (run: (input: number) => Promise<unknown>) => Promise<A>
): Promise<A> => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "effect-futures-bench-"))
  const port = await Effect.runPromise(freePort)
  const server = spawn("redis-server", [
    "--port",
    String(port),
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always"
  ], { stdio: ["ignore", "pipe", "inherit"] })
  await untilSays(server, "Ready to accept connections")
  const script = fileURLToPath(new URL("bullmq-worker.js", import.meta.url))
  const processes = Array.from(
    { length: workers },
    () => spawn(process.execPath, [script, String(port)], { stdio: ["ignore", "pipe", "inherit"] })
  )
  await Promise.all(processes.map((child) => untilSays(child, "ready")))
  const connection = { port, maxRetriesPerRequest: null }
  const queue = new Queue("bench", { connection })
  // Each job that is waited for has one.
  queue.setMaxListeners(0)
  const events = new QueueEvents("bench", { connection })
  try {
    await events.waitUntilReady()
    return await measure(async (input) => {
      const job = await queue.add("noop", input, { removeOnComplete: { age: 60 } })
      return job.waitUntilFinished(events)
    })
  } finally {
    await Promise.all([queue.close(), events.close()])
    for (const child of [...processes, server]) child.kill("SIGKILL")
    await fs.rm(folder, { recursive: true, force: true })
  }
}

const untilSays = async (child: ChildProcess, what: string) => {
  for (let said = ""; !said.includes(what);) said += String(await once(child.stdout!, "data"))
  child.stdout!.resume()
}
