/**
 * A program of the cluster tests, which runs `spin` jobs and prints each result with whether it was taken over:
 * `cluster-client.ts <database URL> <notes> <jobs> <milliseconds> <run>`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Stream } from "effect"
import { ClusterExecutor, Executor } from "../../lib/mod.ts"
import { spin } from "../jobs/cluster.ts"

const [databaseUrl, notes, jobs, ms, run] = process.argv.slice(2)

const takenOver: Array<boolean> = []

Effect.gen(function*() {
  yield* Console.log("ready")
  yield* Stream.range(0, Number(jobs) - 1).pipe(
    Stream.mapEffect(
      (label) =>
        Executor.run(spin, { notes: notes!, label, ms: Number(ms) }, { key: `${run}/${label}` }).pipe(
          Effect.provideService(Executor.JobObserver, (event) => {
            if (event._tag === "Settled") takenOver[label] = event.isTakenOver === true
          })
        ),
      { concurrency: 8, unordered: true }
    ),
    Stream.runForEach(({ label }) => Console.log(`result ${label} ${takenOver[label] ? "taken over" : "new"}`))
  )
}).pipe(Effect.provide(ClusterExecutor.layer({ databaseUrl: databaseUrl!, maxWorkers: 8 })), NodeRuntime.runMain)
