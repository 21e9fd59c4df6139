/** BullMQ on a Redis of its own that writes each change to its disk, as a database does. */
import { Queue, QueueEvents } from "bullmq"
import * as Effect from "effect/Effect"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { freePort } from "../../shared/postgres.ts"
import { folder, program, scoped } from "../scoped.ts"

/** Measures with so many workers, each a process that runs one job at a time. */
export const withBullMq = <A>(
  workers: number,
  measure: (run: (input: number) => Promise<unknown>) => Promise<A>
): Promise<A> =>
  scoped(Effect.gen(function*() {
    const own = yield* folder
    const port = yield* freePort
    const server = yield* program("redis-server", [
      "--port",
      String(port),
      "--dir",
      own,
      "--save",
      "",
      "--appendonly",
      "yes",
      "--appendfsync",
      "always"
    ], { stdio: ["ignore", "pipe", "inherit"] })
    yield* Effect.promise(() => untilSays(server, "Ready to accept connections"))
    const worker = program(process.execPath, [script, String(port)], { stdio: ["ignore", "pipe", "inherit"] })
    const processes = yield* Effect.all(Array.from({ length: workers }, () => worker))
    yield* Effect.promise(() => Promise.all(processes.map((child) => untilSays(child, "ready"))))
    const connection = { port, maxRetriesPerRequest: null }
    const queue = new Queue("bench", { connection })
    // Each job that is waited for has one.
    queue.setMaxListeners(0)
    const events = new QueueEvents("bench", { connection })
    return yield* Effect.promise(async () => {
      await events.waitUntilReady()
      const measured = await measure(async (input) => {
        const job = await queue.add("noop", input, { removeOnComplete: { age: 60 } })
        return job.waitUntilFinished(events)
      })
      await Promise.all([queue.close(), events.close()])
      return measured
    })
  }))

const script = fileURLToPath(new URL("bullmq-worker.js", import.meta.url))

const untilSays = async (child: ChildProcess, what: string) => {
  for (let said = ""; !said.includes(what);) said += String(await once(child.stdout!, "data"))
  child.stdout!.resume()
}
