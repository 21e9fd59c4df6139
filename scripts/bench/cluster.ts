/** A cluster of its own for a sample: a Postgres, and runners in processes. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { ChildProcess } from "node:child_process"
import path from "node:path"
import { setTimeout } from "node:timers/promises"
import { ClusterExecutor } from "../../lib/mod.ts"
import * as postgres from "../shared/postgres.ts"
import { folder, hasEnded, program, scoped } from "./scoped.ts"

/** Measures with the executor of a cluster of so many runners, each of one worker. */
export const withCluster = <A>(
  runners: number,
  maxWorkers: number,
  measure: (runPromise: ReturnType<typeof open>["runPromise"]) => Promise<A>
): Promise<A> =>
  scoped(Effect.gen(function*() {
    const own = yield* folder
    const server = path.join(own, "postgres")
    // A start that is cut off can leave one as well.
    yield* Effect.addFinalizer(() => Effect.ignore(postgres.stop(server)))
    const { url: databaseUrl } = yield* Effect.uninterruptible(postgres.start(server))
    const where = { databaseUrl, resultFolder: path.join(own, "results") }
    const processes = yield* Effect.all(Array.from({ length: runners }, () => startRunner(where)))
    yield* Effect.promise(() => untilUp(databaseUrl, processes))
    const runtime = yield* Effect.acquireRelease(
      Effect.sync(() => open({ ...where, maxWorkers })),
      (runtime) => Effect.promise(() => runtime.dispose())
    )
    return yield* Effect.promise(() => measure(runtime.runPromise))
  }))

const open = (options: ClusterExecutor.Options) => ManagedRuntime.make(ClusterExecutor.layer(options))

const startRunner = ({ databaseUrl, resultFolder }: Required<ClusterExecutor.ClusterOptions>) =>
  program(process.execPath, [path.join(import.meta.dirname, "runner.ts"), databaseUrl, resultFolder], {
    stdio: ["ignore", "ignore", "inherit"]
  })

const untilUp = async (databaseUrl: string, runners: ReadonlyArray<ChildProcess>) => {
  const status = ClusterExecutor.status({ databaseUrl })
  while ((await Effect.runPromise(status)).runners.length < runners.length) {
    if (runners.some(hasEnded)) throw new Error("A runner did not start")
    await setTimeout(100)
  }
}
