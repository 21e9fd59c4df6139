/** What is measured, and who does it. All subjects of a case do the same work, each in a process of its own. */
import { Effect, type Scope, Stream } from "effect"
import { sin } from "../../lib/jobs/sin.ts"
import { Executor } from "../../lib/mod.ts"
import type { Parameters } from "../shared/experiment.ts"
import * as bare from "./bare.ts"
import { interrupt } from "./interrupt.ts"
import { bareWorkers, executor } from "./subjects.ts"

export interface Subject {
  readonly name: string
  /** Makes ready what is not measured, and returns what is. */
  readonly prepare: (
    parameters: Parameters
  ) => Effect.Effect<Effect.Effect<unknown, unknown, Scope.Scope>, unknown, Scope.Scope>
}

export interface Case {
  readonly name: string
  readonly description: string
  /** The others are compared with the first. */
  readonly subjects: readonly [Subject, ...ReadonlyArray<Subject>]
}

export const cases: ReadonlyArray<Case> = [
  {
    name: "experiment",
    description: "The sines of the known experiment, workers up",
    subjects: [
      {
        name: "worker_threads",
        prepare: (parameters) =>
          Effect.map(bareWorkers(parameters.workers), (workers) => Effect.promise(() => bare.run(workers, parameters)))
      },
      {
        name: "lazy",
        prepare: ({ count, jobs, workers }) =>
          Effect.map(executor(workers), (context) =>
            Stream.range(1, jobs).pipe(
              Stream.mapEffect(() => Executor.run(sin, { count }), { concurrency: workers, unordered: true }),
              Stream.runDrain,
              Effect.provide(context)
            ))
      },
      {
        name: "loan",
        prepare: ({ count, jobs, workers }) =>
          Effect.map(executor(workers), (context) =>
            Stream.range(1, jobs).pipe(
              Stream.mapEffect(() => Executor.use(sin, { count }, () => Effect.void), {
                concurrency: workers,
                unordered: true
              }),
              Stream.runDrain,
              Effect.provide(context)
            ))
      }
    ]
  },
  {
    name: "start",
    description: "From nothing to workers that have loaded the sin job",
    subjects: [
      {
        name: "worker_threads",
        prepare: ({ workers }) => Effect.succeed(bareWorkers(workers))
      },
      {
        name: "ThreadExecutor",
        prepare: ({ workers }) =>
          Effect.succeed(
            Effect.flatMap(executor(workers), (context) =>
              Effect.forEach(Array.from({ length: workers }), () =>
                Executor.run(sin, { count: 0 }), {
                concurrency: workers,
                discard: true
              }).pipe(Effect.provide(context)))
          )
      }
    ]
  },
  interrupt
]
