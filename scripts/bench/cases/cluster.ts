import type { Case } from "../case.ts"
import * as measure from "../measure.ts"

/** What a persisted job costs beside its work. */
const persisted = (name: string, description: string, inFlight: number, runners: number): Case => ({
  name,
  description,
  subjects: [
    {
      name: "BullMQ on Redis",
      role: "peer",
      needs: "redis-server",
      sample: async (sizes) => {
        const { withBullMq } = await import("../peers/bullmq.ts")
        return withBullMq(runners, (run) => measure.rate((jobs) => measure.keepInFlight(inFlight, jobs, run), sizes))
      }
    },
    {
      name: "effect-futures",
      role: "ours",
      sample: async (sizes) => {
        const { Executor, jobs: { noop }, stream } = await import("../ours.ts")
        const { withCluster } = await import("../cluster.ts")
        return withCluster(
          runners,
          inFlight,
          (runPromise) =>
            measure.rate((jobs) => runPromise(stream(inFlight, jobs, (n) => Executor.run(noop, n))), sizes)
        )
      }
    }
  ]
})

const noop = persisted(
  "cluster",
  "Persisted jobs that do nothing, 64 in flight on 2 runners of one worker; BullMQ with appendfsync always",
  64,
  2
)

/** Nobody else is there. */
const latency = persisted("cluster-latency", "Persisted jobs that do nothing, one at a time", 1, 1)

/** Tiny jobs, many in a message. */
const chunks: Case = {
  name: "cluster-map",
  description: "Persisted jobs that do nothing, in chunks of 1000 on 2 runners of one worker",
  subjects: [
    {
      name: "effect-futures map",
      role: "ours",
      sample: async (sizes) => {
        const { Effect, Executor, jobs: { noop }, Stream } = await import("../ours.ts")
        const { withCluster } = await import("../cluster.ts")
        return withCluster(2, 8, (runPromise) =>
          measure.rate((jobs) =>
            runPromise(
              Stream.range(1, jobs * 1000).pipe(
                Stream.rechunk(1000),
                Executor.map(noop, { chunkSize: 1000, concurrency: 8, unordered: true }),
                Stream.runDrain,
                Effect.asVoid
              )
            ), sizes).then((sample) => ({ ...sample, jobs: sample.jobs! * 1000 })))
      }
    }
  ]
}

/** The known experiment on as many threads as the cluster has runners. */
const experiment = (name: string, runners: number, where: string): Case => ({
  name,
  description: `The sines of the known experiment, --jobs arrays of --count on ${where} of one worker`,
  subjects: [
    {
      name: "ThreadExecutor",
      role: "floor",
      sample: async ({ count, jobs }) => {
        const { Executor, open, sin, stream } = await import("../ours.ts")
        const { runPromise } = open(runners)
        await runPromise(stream(runners, runners, () => Executor.run(sin, { count: 0 })))
        return measure.once(() => runPromise(stream(runners, jobs, () => Executor.run(sin, { count }))))
      }
    },
    {
      name: "effect-futures",
      role: "ours",
      sample: async ({ count, jobs }) => {
        const { Executor, sin, stream } = await import("../ours.ts")
        const { withCluster } = await import("../cluster.ts")
        return withCluster(runners, 2 * runners, async (runPromise) => {
          await runPromise(stream(runners, 2 * runners, () => Executor.run(sin, { count: 0 })))
          return measure.once(() => runPromise(stream(2 * runners, jobs, () => Executor.run(sin, { count }))))
        })
      }
    }
  ]
})

export const cluster: ReadonlyArray<Case> = [
  noop,
  latency,
  chunks,
  experiment("cluster-experiment", 2, "2 threads, and on 2 runners"),
  // The program that reads the results has a core of its own where there are two.
  experiment("cluster-experiment-1", 1, "1 thread, and on 1 runner")
]
