/** The worker of `bare.ts`: the job's own function, and nothing around it. */
import { parentPort } from "node:worker_threads"
import type { Context } from "../../lib/Job.ts"
import { sin } from "../../lib/jobs/sin.ts"

const context: Pick<Context, "allocate"> = { allocate: (constructor, length) => new constructor(length) }

parentPort!.on("message", (input: { readonly count: number }) => {
  const values = sin.run(input, context as Context)
  if (values instanceof Float64Array) parentPort!.postMessage(values, [values.buffer])
})
parentPort!.postMessage("ready")
