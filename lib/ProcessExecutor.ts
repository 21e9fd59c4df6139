/**
 * Jobs on child processes: for jobs that can bring a whole process down, by a native crash or by taking all its memory.
 *
 * As on threads, a worker starts when a job waits and no worker is idle, and runs one job at a time. Unlike on threads,
 * inputs and results are always copied, so `transfer` moves nothing and `Executor.use` has nothing to give back, and a busy
 * loop cannot see `context.cancelled()`: after the grace its process is killed. A process that dies does not tell how far it
 * was with the items of a message: those up to the one at fault, and that one itself, then run once more.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type ChildProcess, fork } from "node:child_process"
import type { Socket } from "node:net"
import type { ResourceLimits } from "node:worker_threads"
import { Executor } from "./Executor.ts"
import type { InvalidOptions, WorkerStartError } from "./ExecutorError.ts"
import * as checks from "./internal/options.ts"
import { packed, unpacked } from "./internal/packing.ts"
import type { FromWorker } from "./internal/protocol.ts"
import * as SpawnedWorkers from "./internal/SpawnedWorkers.ts"
import type { Inbound } from "./internal/worker.ts"
import * as WorkerPool from "./internal/WorkerPool.ts"

/** See {@link layer}. */
export interface Options extends checks.PoolOptions, checks.SpawnOptions {}

/**
 * An executor on processes. Closing its scope kills the jobs that run, with the processes that they have started, and
 * leaves no worker behind; when this process or thread is killed, its workers end by themselves.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Executor, ProcessExecutor } from "effect-futures"
 * import { sin } from "effect-futures/jobs/sin"
 *
 * const program = Effect.map(Executor.run(sin, { count: 3 }), (values) => values.length)
 *
 * await Effect.runPromise(Effect.provide(program, ProcessExecutor.layer({ maxWorkers: 1 }))) // => 3
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<Executor, InvalidOptions | WorkerStartError> =>
  Layer.effect(Executor, make(options))

const entry = new URL("./internal/processEntry.js", import.meta.url)

const make = Effect.fnUntraced(function*(options: Options) {
  const valid = yield* checks.validate(options)
  const { env, execArgv, resourceLimits = {} } = yield* checks.validateSpawn(options)
  const processes = SpawnedWorkers.make(
    entry,
    () =>
      watched(packing(fork(entry, {
        // In a group of its own: Ctrl-C, or the end of a terminal, is the executor's to hear of.
        detached: true,
        execArgv: [...limitFlags(resourceLimits), ...execArgv],
        serialization: "advanced",
        // The pipe ends with this thread, which may end before its process.
        stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"],
        ...(env && { env })
      }))),
    kill
  )
  const holdBack = (workerId: number, item: number) => {
    const asked = Buffer.alloc(8)
    asked.writeBigInt64LE(BigInt(item))
    watchOf(processes.spawned(workerId))?.write(asked)
  }
  return yield* WorkerPool.make(valid, { ...processes.host, sharesMemory: false, unpacked, holdBack }).pipe(
    Effect.provide(NodeWorker.layer(processes.spawn))
  )
})

/** The pipe to the thread that watches over a worker process. */
const watchOf = (child: ChildProcess | undefined) => child?.stdio?.[4] as Socket | null | undefined

/** The child, which says that it is held up where the thread that watches over it does. */
const watched = (child: ChildProcess): ChildProcess => {
  const message = { _tag: "HeldUp" } satisfies FromWorker
  // It may be gone when it is asked.
  watchOf(child)?.on("error", () => {}).on("data", () => child.emit("message", [1, message]))
  return child
}

/** Kills the child and what its job has started: they are in a group of their own, where the system has such. */
const kill = (child: ChildProcess): void => {
  try {
    process.kill(-child.pid!, "SIGKILL")
  } catch {
    child.kill("SIGKILL")
  }
}

/** The child, sent messages as the other side reads them. One that could not be spawned is gone when it has said why. */
const packing = (child: ChildProcess): ChildProcess => {
  const { pid, send } = child as Partial<ChildProcess>
  if (pid === undefined) child.once("error", () => process.nextTick(() => child.emit("exit", null, null)))
  return Object.assign(child, {
    send: (message: Inbound) => send?.call(child, message[0] === 0 ? [0, packed(message[1])] : message)
  })
}

const limitFlags = ({ maxOldGenerationSizeMb, maxYoungGenerationSizeMb, stackSizeMb }: ResourceLimits) =>
  Object.entries({
    "--max-old-space-size": maxOldGenerationSizeMb,
    // The young generation is three of these.
    "--max-semi-space-size": maxYoungGenerationSizeMb && Math.max(1, maxYoungGenerationSizeMb / 3),
    "--stack-size": stackSizeMb && stackSizeMb * 1024
  }).flatMap(([flag, value]) => value === undefined ? [] : [`${flag}=${Math.floor(value)}`])
