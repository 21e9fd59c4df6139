/** The back end that `--executor` names. */
import { Effect, Layer, Option } from "effect"
import {
  ClusterExecutor,
  Executor,
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

/** On a cluster, `--run` names the jobs of each script. */
export const executor = (script: string, choice: Choice): Layer.Layer<Executor.Executor, Errors | UsageError> => {
  const { jobs, workers } = choice
  if (choice.executor !== "cluster") {
    if (Option.isSome(choice.run)) {
      const message = `--run ${choice.run.value} needs --executor cluster: other executors keep no results`
      return Layer.effect(Executor.Executor, Effect.fail(new UsageError(message)))
    }
    return layers[choice.executor]({ maxWorkers: workers, minWorkers: Math.min(workers, jobs) })
  }
  return Layer.unwrap(Effect.map(find(choice), (cluster) =>
    ClusterExecutor.layer({
      ...cluster,
      maxWorkers: workers,
      ...(Option.isSome(choice.run) && { run: `${script}/${choice.run.value}` }),
      retryFailed: choice.retryFailed
    })))
}

/** The choice as another script is told of it. */
export const argumentsOf = (choice: Choice): Array<string> => [
  ...["jobs", "count", "workers", "executor", "kernel", "data"].flatMap((
    flag
  ) => [`--${flag}`, String(choice[flag as "jobs"])]),
  ...optional("database-url", choice.databaseUrl),
  ...optional("results", choice.results),
  ...optional("run", choice.run),
  ...(choice.retryFailed ? ["--retry-failed"] : [])
]

const optional = (flag: string, value: Option.Option<string>) => Option.isSome(value) ? [`--${flag}`, value.value] : []
