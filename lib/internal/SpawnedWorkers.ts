/** The threads or processes that a back end has spawned, by the number of their worker. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { JobNotFound } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { unread } from "./errorCodec.ts"
import type { Host, WorkerExit } from "./Fleet.ts"
import { importingModule } from "./importJob.ts"

/** What threads and child processes have in common here. */
interface Spawned {
  readonly on: (event: string, listener: (error: Error) => void) => unknown
  readonly emit: (event: "message", message: unknown) => unknown
  readonly once: (event: "exit", listener: (exitCode: number | null, signal?: string | null) => void) => unknown
}

const unguarded = "the module has an executor run it while a worker imports the module, " +
  "and so would each worker after that: expected it to ask for import.meta.main first"

/** What `spawn` spawns of the file `entry`, as a pool wants to see it. */
export const make = <W extends Spawned>(
  entry: URL,
  spawn: (workerId: number) => W,
  kill: (spawned: W) => unknown
) => {
  const alive = new Map<number, { readonly spawned: W; readonly gone: Promise<void> }>()
  const exits = new Map<number, WorkerExit>()
  const ownModule = importingModule()

  const host: Pick<Host, "terminate" | "exitOf" | "address" | "refusal" | "clock"> = {
    terminate: (workerId) =>
      Effect.promise(async () => {
        const worker = alive.get(workerId)
        if (worker === undefined) return
        kill(worker.spawned)
        await worker.gone
      }),
    exitOf: (workerId) => {
      const exit = exits.get(workerId)
      exits.delete(workerId)
      return exit ?? { exitCode: undefined }
    },
    address: ({ module, name }: Job.Any) => ({ module, name }),
    // A job elsewhere cannot get hold of this executor; but each worker would start the next.
    refusal: ({ module, name }) =>
      module === ownModule ? new JobNotFound({ job: name, module, reason: unguarded }) : undefined,
    clock: Clock.Clock.defaultValue()
  }

  return {
    host,
    /** What runs as the worker, as long as it does. */
    spawned: (workerId: number): W | undefined => alive.get(workerId)?.spawned,
    spawn: (workerId: number): W => {
      if (!existsSync(entry)) {
        throw new Error(`There is no ${fileURLToPath(entry)}: expected effect-futures not to be bundled, but external`)
      }
      const spawned = spawn(workerId)
      const on = spawned.on.bind(spawned)
      on("messageerror", (error) => spawned.emit("message", unread("result", error)))
      // The platform would give its worker up at once, and what that runs.
      Object.assign(spawned, {
        on: (event: string, listener: () => void) => event === "messageerror" ? spawned : on(event, listener)
      })
      const gone = new Promise<void>((resolve) => {
        spawned.once("exit", (exitCode, signal) => {
          alive.delete(workerId)
          exits.set(workerId, { exitCode: exitCode ?? undefined, signal: signal ?? undefined })
          resolve()
        })
      })
      alive.set(workerId, { spawned, gone })
      return spawned
    }
  }
}
