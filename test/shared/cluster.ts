/** A cluster for tests: a Postgres of its own, runners in this process or in processes of their own. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Context, Effect, Layer, Redacted } from "effect"
import fs from "node:fs"
import os from "node:os"
import path from "node:path"
import { ClusterExecutor } from "../../lib/mod.ts"
import * as postgres from "../../scripts/shared/postgres.ts"
import * as Notes from "../jobs/notes.ts"
import { jobs } from "./clusterJobs.ts"
import * as Programs from "./programs.ts"

/** In memory where there is enough, for a disk that others keep busy would pass for a fault. */
const place = () => {
  const memory = "/dev/shm"
  if (!fs.existsSync(memory)) return os.tmpdir()
  const { bavail, bsize } = fs.statfsSync(memory)
  return bavail * bsize > 2e9 ? memory : os.tmpdir()
}

/** A server that is there for the tests of a file. */
export class Database extends Context.Service<Database, postgres.Server>()(
  "test/Database"
) {
  static readonly layer = Layer.effect(
    Database,
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => fs.mkdtempSync(path.join(place(), "effect-futures-"))),
        (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
      )
      // The server may run as another user than this process.
      fs.chmodSync(folder, 0o755)
      const started = postgres.start(path.join(folder, "postgres"), { isDurable: false })
      return yield* Effect.acquireRelease(started, ({ folder }) => Effect.orDie(postgres.stop(folder)))
    })
  )
}

/** A connection of the test's own. */
export const connection = Layer.unwrap(
  Effect.map(Database, ({ url }) => PgClient.layer({ url: Redacted.make(url) }))
)

/** A runner in this process, and the executor of a program. */
export const cluster = (
  { cancelGrace, maxWorkers = 2, ...options }:
    & Partial<ClusterExecutor.Options>
    & Pick<ClusterExecutor.RunnerOptions, "cancelGrace"> = {}
) =>
  Layer.unwrap(Effect.map(Database, ({ url }) =>
    Layer.provideMerge(
      ClusterExecutor.layer({ databaseUrl: url, maxWorkers, ...options }),
      ClusterExecutor.runner({ databaseUrl: url, maxWorkers, jobs, ...options, ...(cancelGrace && { cancelGrace }) })
    )))

/** The executor of a program whose runners are elsewhere. */
export const program = (options: Partial<ClusterExecutor.Options> = {}) =>
  Layer.unwrap(Effect.map(Database, ({ url }) => ClusterExecutor.layer({ databaseUrl: url, ...options })))

/** A runner in a process of its own, ready for jobs. */
export const startRunner = (workers = 1, databaseUrl?: string) =>
  Effect.flatMap(Database, ({ url }) => Programs.start("cluster-runner.ts", databaseUrl ?? url, String(workers)))

/** Whether a job that notes its beginning has begun, with a label that starts so. */
export const begun = (notes: Notes.Notes, label = "") => () =>
  Notes.lines(notes).some((line) => line.startsWith(`begin ${label}`))
