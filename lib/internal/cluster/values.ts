/** A job's inputs, results and errors, as they are sent: by the job's schemas, or else as they are. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CloneError, ExecutorError } from "../../ExecutorError.ts"
import type * as Job from "../../Job.ts"
import { buffersIn } from "../buffers.ts"
import { decodeError, describe, encodeError, withoutFrames } from "../errorCodec.ts"
import * as wire from "./wire.ts"

const codec = (job: Job.Any, which: wire.SchemaName) => {
  const schema = job.schemas?.[which]
  return schema === undefined ? undefined : Schema.toCodecJson(schema)
}

const encode = (job: Job.Any, which: wire.SchemaName, value: unknown): unknown => {
  const schema = codec(job, which)
  if (schema === undefined) return value
  try {
    const encoded = Schema.encodeUnknownOption(schema)(value)
    return Option.isSome(encoded) ? encoded.value : Schema.encodeUnknownSync(schema)(made(job.schemas![which]!, value))
  } catch (cause) {
    const advice = buffersIn(value).size === 0 ? "" : "; within a schema a typed array is " +
      "Schema.instanceOf(Float64Array, { toCodecJson: () => undefined })"
    throw new wire.Unsendable(describe(cause).message + advice)
  }
}

/** Of a class's instance there may be its fields alone: made anew, also within arrays and structs. */
const made = (schema: Schema.Codec<unknown, unknown>, fields: unknown): unknown =>
  Option.getOrElse(schema.makeOption(fields), () => fields)

const decode = (job: Job.Any, which: wire.SchemaName, sent: unknown): unknown => {
  const schema = codec(job, which)
  return schema === undefined ? sent : Schema.decodeUnknownSync(schema)(sent)
}

/** @throws what says why it cannot be sent. */
export const addInput = (writer: wire.Writer, job: Job.Any, input: unknown): void =>
  writer.add(encode(job, "input", input), "input")

/** @throws what says why it is not an input of the job. */
export const readInput = (job: Job.Any, sent: unknown): unknown => decode(job, "input", sent)

/** @throws what says why the result cannot be sent. */
export const encodeResult = (job: Job.Any, value: unknown): unknown => encode(job, "result", value)

/** What is said of an input that cannot be sent or read. */
export const inputError = (job: Job.Any, cause: unknown): CloneError =>
  new CloneError({ job: job.name, side: "input", reason: describe(cause).message })

type Sent =
  | readonly ["value", unknown?]
  | readonly ["failed", unknown]
  | readonly ["failed by schema", unknown]
  | readonly ["error", unknown]
  | readonly ["interrupted"]

const errorCodec = Schema.toCodecJson(ExecutorError)

/** Adds how one run of the job ended, its result encoded. What cannot be sent becomes a `CloneError`. */
export const addExit = (writer: wire.Writer, job: Job.Any | undefined, exit: Exit.Exit<unknown, unknown>): void => {
  try {
    const sent = toSent(job, exit)
    writer.add(sent, sent[0] === "failed" ? "error" : "result", 1)
  } catch (cause) {
    const error = new CloneError({ job: job?.name ?? "", side: "result", reason: describe(cause).message })
    writer.add(["error", Schema.encodeSync(errorCodec)(error)])
  }
}

const toSent = (job: Job.Any | undefined, exit: Exit.Exit<unknown, unknown>): Sent => {
  if (Exit.isSuccess(exit)) return exit.value === undefined ? ["value"] : ["value", exit.value]
  if (Exit.hasInterrupts(exit)) return ["interrupted"]
  const error = Cause.squash(exit.cause)
  if (Schema.is(ExecutorError)(error)) return ["error", Schema.encodeSync(errorCodec)(error)]
  const bySchema = errorBySchema(job, error)
  return Option.isSome(bySchema) ? ["failed by schema", bySchema.value] : ["failed", encodeError(error)]
}

/** As the job's schema encodes it, where that knows it. */
const errorBySchema = (job: Job.Any | undefined, error: unknown): Option.Option<unknown> => {
  const schema = job?.schemas?.error
  if (schema === undefined) return Option.none()
  const fields = error instanceof Error ? { ...error, message: error.message } : error
  return Schema.encodeUnknownOption(Schema.toCodecJson(schema))(made(schema, fields))
}

/** The other half of {@link addExit}. */
export const readExit = (job: Job.Any, sent: unknown): Exit.Exit<unknown, unknown> =>
  withoutFrames(() => {
    const [what, value] = sent as Sent
    try {
      switch (what) {
        case "value":
          return Exit.succeed(decode(job, "result", value))
        case "failed":
          return Exit.fail(decodeError(value))
        case "failed by schema":
          return Exit.fail(decode(job, "error", value))
        case "error":
          return Exit.fail(Schema.decodeUnknownSync(errorCodec)(value))
        case "interrupted":
          return Exit.interrupt()
      }
    } catch (cause) {
      return Exit.fail(new CloneError({ job: job.name, side: "result", reason: describe(cause).message }))
    }
  })
