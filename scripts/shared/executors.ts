/** The back end that `--executor` names. */
import { Effect, Layer, Option } from "effect"
import {
  ClusterExecutor,
  type Executor,
  type ExecutorError,
  InlineExecutor,
  ProcessExecutor,
  ThreadExecutor
} from "../../lib/mod.ts"
import type { Parameters } from "./experiment.ts"
import type { kernels } from "./kernels.ts"
import { find, type Where } from "./local-cluster.ts"
import { UsageError } from "./main.ts"

const layers = { thread: ThreadExecutor.layer, process: ProcessExecutor.layer, inline: InlineExecutor.layer }

export interface Choice extends Parameters, Where {
  readonly executor: keyof typeof layers | "cluster"
  readonly kernel: keyof typeof kernels
  readonly run: Option.Option<string>
  readonly retryFailed: boolean
}

type Errors = ExecutorError.InvalidOptions | ExecutorError.WorkerStartError | ExecutorError.ClusterUnavailable

/** Its Layer; on a cluster, `--run` names the jobs of each script. */
export const executor = Effect.fnUntraced(function*(
  script: string,
  choice: Choice
): Effect.fn.Return<Layer.Layer<Executor.Executor, Errors>, Errors | UsageError> {
  const { executor, jobs, retryFailed, run, workers } = choice
  if (executor === "cluster") {
    const layer = ClusterExecutor.layer({
      ...(yield* find(choice)),
      maxWorkers: workers,
      ...(Option.isSome(run) && { run: `${script}/${run.value}` }),
      retryFailed
    })
    // Whether there is one to be had is said before anything starts.
    yield* Effect.scoped(Layer.build(layer))
    return layer
  }
  if (Option.isSome(run) || retryFailed) {
    const flag = Option.match(run, { onNone: () => "--retry-failed", onSome: (name) => `--run ${name}` })
    return yield* Effect.fail(new UsageError(`${flag} needs --executor cluster: other executors keep no results`))
  }
  return layers[executor]({ maxWorkers: workers, minWorkers: Math.min(workers, jobs) })
})

/** The choice as another script is told of it. */
export const argumentsOf = (choice: Choice): Array<string> => [
  ...(["jobs", "count", "workers", "executor", "kernel", "data"] as const).map((flag) => `--${flag}=${choice[flag]}`),
  ...optional("database-url", choice.databaseUrl),
  ...optional("results", choice.results),
  ...optional("run", choice.run),
  ...(choice.retryFailed ? ["--retry-failed"] : [])
]

const optional = (flag: string, value: Option.Option<string>) =>
  Option.isSome(value) ? [`--${flag}=${value.value}`] : []
