/** Tasks of a program, without a cluster. */
import { Effect, type Exit } from "effect"
import type { Options } from "../../lib/internal/cluster/RemoteTask.ts"
import type { RemoteTasks } from "../../lib/internal/cluster/RemoteTasks.ts"
import { square } from "../jobs/values.ts"

export const worker = { workerId: 7, runner: "runner" }

/** A new task, and how its items have ended. */
export const accept = (tasks: RemoteTasks, name: string, options: Partial<Options> = {}) => {
  const exits: Array<Exit.Exit<unknown, unknown>> = []
  const task = tasks.accept({
    name: () => name,
    isKeyed: false,
    job: square,
    inputs: [3],
    priority: 0,
    retryWorkerDeath: 0,
    untilFailure: false,
    deadline: undefined,
    observer: undefined,
    trace: undefined,
    resume: (settled) => exits.push(...Effect.runSync(settled).exits),
    ...options
  })
  return { task, exits }
}

/** A task whose job the cluster has. */
export const send = (tasks: RemoteTasks, name: string, options?: Partial<Options>) => {
  const sent = accept(tasks, name, options)
  tasks.join([sent.task])
  sent.task.state = "sent"
  return sent
}
