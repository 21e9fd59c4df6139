/** Tasks of a program, without a cluster. */
import { Effect, Exit } from "effect"
import type { Ended } from "../../lib/internal/cluster/JobTable.ts"
import type { Options } from "../../lib/internal/cluster/RemoteTask.ts"
import type { RemoteTasks } from "../../lib/internal/cluster/RemoteTasks.ts"
import * as values from "../../lib/internal/cluster/values.ts"
import * as wire from "../../lib/internal/cluster/wire.ts"
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

/** A job that has ended with what its runner says. */
export const done = (id: string, part: Partial<Ended> = {}): Ended => {
  const writer = new wire.Writer()
  writer.add({ ...worker, startedAt: 0, returnedAt: 1, runMs: 1, items: [] })
  values.addExit(writer, square, Exit.succeed(9))
  return { id, state: "done", reply: Buffer.concat(writer.pieces()), replyReference: null, ...part }
}
