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
import { find, type Where } from "./local-cluster.ts"
import type { UsageError } from "./main.ts"

const layers = { thread: ThreadExecutor.layer, process: ProcessExecutor.layer, inline: InlineExecutor.layer }

export interface Choice extends Parameters, Where {
  readonly executor: keyof typeof layers | "cluster"
  readonly run: Option.Option<string>
  readonly retryFailed: boolean
}

type Errors = ExecutorError.InvalidOptions | ExecutorError.WorkerStartError | ExecutorError.ClusterUnavailable

/** On a cluster, `--run` names the jobs of each script. */
export const executor = (script: string, choice: Choice): Layer.Layer<Executor.Executor, Errors | UsageError> => {
  const { jobs, workers } = choice
  if (choice.executor !== "cluster") {
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
