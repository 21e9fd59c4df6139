import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Schema } from "effect"
import * as values from "../../../lib/internal/cluster/values.ts"
import * as wire from "../../../lib/internal/cluster/wire.ts"
import type { ExecutorError, Job } from "../../../lib/mod.ts"
import { nextDay } from "../../jobs/cluster.ts"
import { square } from "../../jobs/values.ts"

class Late extends Schema.Class<Late>("Late")({ at: Schema.Date, message: Schema.String }) {}

/** How a job has ended, as a program has it from a runner. */
const sent = (job: Job.Any, exit: Exit.Exit<unknown, unknown>) => {
  const writer = new wire.Writer()
  values.addExit(writer, job, exit)
  const [read] = wire.read(Buffer.concat(writer.pieces())).values
  return values.readExit(job, read)
}

/** Why an end is not sent. */
const reasonOf = (exit: Exit.Exit<unknown, unknown>) => {
  const read = sent(square, exit)
  assert(Exit.isFailure(read))
  return (Cause.squash(read.cause) as ExecutorError.CloneError).reason
}

/** Why an input is not sent. */
const refusalOf = (input: unknown) => {
  try {
    values.addInput(new wire.Writer(), nextDay, input)
  } catch (cause) {
    return String(cause)
  }
  return assert.fail("it is sent")
}

describe("addExit", () => {
  it("sends as an interruption what was interrupted", () => {
    assert.deepStrictEqual(sent(square, Exit.interrupt()), Exit.interrupt())
  })

  it("sends an error's message by a schema that knows it", () => {
    const job = { ...square, schemas: { error: Late } } as Job.Any
    const thrown = Object.assign(new Error("too late"), { at: new Date(5) })
    assert.deepStrictEqual(sent(job, Exit.fail(thrown)), Exit.fail(new Late({ at: new Date(5), message: "too late" })))
    const texts = { ...square, schemas: { error: Schema.Record(Schema.String, Schema.String) } } as Job.Any
    const plain: unknown = new Error("too late")
    assert.deepStrictEqual(sent(texts, Exit.fail(plain)), Exit.fail({ message: "too late" }))
  })

  it("says of what cannot be sent where it was in the error or the result, and which schema it needs", () => {
    assert.match(reasonOf(Exit.fail({ at: new Date(5) })), /^a Date at \.at is not JSON: .*\{ error: … \}/)
    assert.match(reasonOf(Exit.succeed({ at: new Date(5) })), /^a Date at \.at is not JSON: .*\{ result: … \}/)
  })
})

describe("readExit", () => {
  it("fails with CloneError where a result is not as the job's schema has it", () => {
    const exit = values.readExit(nextDay, ["value", { at: "never" }])
    assert(Exit.isFailure(exit))
    assert.deepInclude({ ...Cause.squash(exit.cause) as object }, {
      _tag: "CloneError",
      job: "nextDay",
      side: "result"
    })
  })
})

describe("addInput", () => {
  it("takes the fields of a class's instance for one, within others, too", () => {
    const job = { ...square, schemas: { input: Schema.Struct({ all: Schema.Array(Late) }) } } as Job.Any
    const fields = { at: new Date(5), message: "too late" }
    const writer = new wire.Writer()
    values.addInput(writer, job, { all: [fields] })
    const [read] = wire.read(Buffer.concat(writer.pieces())).values
    assert.deepStrictEqual(values.readInput(job, read), { all: [new Late(fields)] })
  })

  it("sends what fits the schema as it is, without what a constructor adds", () => {
    const level = Schema.optionalKey(Schema.Finite).pipe(Schema.withConstructorDefault(Effect.succeed(1)))
    const job = { ...square, schemas: { input: Schema.Struct({ level }) } } as Job.Any
    const writer = new wire.Writer()
    values.addInput(writer, job, {})
    assert.deepStrictEqual(wire.read(Buffer.concat(writer.pieces())).values, [{}])
  })

  it("advises on typed arrays within a schema where there are some, and nowhere else", () => {
    const advice = "within a schema a typed array is"
    assert.include(refusalOf({ at: 5, values: new Float64Array(1) }), advice)
    assert.notInclude(refusalOf({ at: 5 }), advice)
  })
})
