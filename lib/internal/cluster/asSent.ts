/**
 * A job in a worker of a cluster's runner: what was sent becomes its input, and its result what is sent. That is done here
 * and not by the runner's own thread, for a clone of an instance of a class has left its class behind. Loads Effect only
 * for a job that has schemas.
 */
import type * as Job from "../../Job.ts"
import { describe } from "../errorCodec.ts"
import type { Outcome } from "../protocol.ts"
import { stored } from "./storing.ts"

/** Runs the job once, its result into `file` where it has large buffers. */
export const runAsSent = async (
  job: Job.Any,
  sent: unknown,
  run: (input: unknown) => Outcome | Promise<Outcome>,
  file: string | undefined
): Promise<Outcome> => {
  const outcome = await (hasSchemas(job) ? runBySchemas(job, sent, run) : run(sent))
  return file === undefined ? outcome : stored(outcome, file)
}

/** Whether a job's inputs or results are sent in another form than they have. */
export const hasSchemas = ({ schemas }: Job.Any): boolean =>
  schemas?.input !== undefined || schemas?.result !== undefined

const runBySchemas = async (
  job: Job.Any,
  sent: unknown,
  run: (input: unknown) => Outcome | Promise<Outcome>
): Promise<Outcome> => {
  const values = await import("./values.ts")
  const attempt = (
    side: "input" | "result",
    convert: (job: Job.Any, value: unknown) => unknown,
    value: unknown
  ): Outcome => {
    try {
      return { _tag: "Succeeded", value: convert(job, value) }
    } catch (cause) {
      return { _tag: "NotCloned", side, reason: describe(cause).message }
    }
  }
  const input = attempt("input", values.readInput, sent)
  if (input._tag !== "Succeeded") return input
  const outcome = await run(input.value)
  return outcome._tag === "Succeeded" ? attempt("result", values.encodeResult, outcome.value) : outcome
}
