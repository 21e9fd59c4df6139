/** `review finish`: a record of what a killed run left. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Recorder } from "../../lib/mod.ts"
import { UsageError } from "../shared/main.ts"
import { file } from "./inputs.ts"

export const finish = Command.make(
  "finish",
  { file },
  Effect.fn("finish")(function*({ file }) {
    const finished = yield* (yield* Recorder.Recorder).finish(file).pipe(
      Effect.catchTag("RecordNotWritten", ({ message }) => Effect.fail(new UsageError(message)))
    )
    for (const { line, problem } of finished.damage) yield* Console.error(`line ${line} cannot be read: ${problem}`)
    yield* Console.log(finished.file)
  })
).pipe(Command.withDescription("Make a record of the journal that a killed run left"))
