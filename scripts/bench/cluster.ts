/** A cluster of its own for a sample: a Postgres, and runners in processes. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { type ChildProcess, spawn } from "node:child_process"
import fs from "node:fs/promises"
import os from "node:os"
import path from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { ClusterExecutor } from "../../lib/mod.ts"
import * as postgres from "../shared/postgres.ts"

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Measures with the executor of a cluster of so many runners, each of one worker. */
export const withCluster = async <A>(
  runners: number,
  maxWorkers: number,
  measure: (runPromise: ReturnType<typeof open>["runPromise"]) => Promise<A>
): Promise<A> => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "effect-futures-bench-"))
  await fs.chmod(folder, 0o755)
  const { url: databaseUrl } = await Effect.runPromise(postgres.start(path.join(folder, "postgres")))
  const where = { databaseUrl, resultFolder: path.join(folder, "results") }
  const processes = Array.from({ length: runners }, () => startRunner(where))
  try {
    await untilUp(databaseUrl, runners)
    const runtime = open({ ...where, maxWorkers })
    const measured = await measure(runtime.runPromise)
    await runtime.dispose()
    return measured
  } finally {
    await Promise.all(processes.map(end))
    await Effect.runPromise(postgres.stop(path.join(folder, "postgres")))
    await fs.rm(folder, { recursive: true })
  }
}

const open = (options: ClusterExecutor.Options) => ManagedRuntime.make(ClusterExecutor.layer(options))

const startRunner = ({ databaseUrl, resultFolder }: Required<ClusterExecutor.ClusterOptions>) =>
  spawn(process.execPath, [
    script("../cluster.ts"),
    "runner",
    "--database-url",
    databaseUrl,
    "--results",
    resultFolder,
    "--module",
    script("ours-jobs.ts"),
    "--module",
    script("../../lib/jobs/sin.ts")
  ], { stdio: ["ignore", "ignore", "inherit"] })

const untilUp = async (databaseUrl: string, runners: number) => {
  const status = ClusterExecutor.status({ databaseUrl })
  while ((await Effect.runPromise(status)).runners.length < runners) await setTimeout(100)
}

const end = (child: ChildProcess) =>
  new Promise((resolve) => {
    child.once("exit", resolve)
    child.kill("SIGKILL")
  })
