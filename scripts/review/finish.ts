/** `review finish`: records of what killed runs left. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Recorder } from "../../lib/mod.ts"
import { json, toggle } from "../shared/flags.ts"
import { UsageError } from "../shared/main.ts"
import { print, printable, printJson } from "../shared/terminal.ts"
import { expand, paths } from "./files.ts"
import { damageOf } from "./words.ts"

export const finish = Command.make(
  "finish",
  {
    paths,
    json,
    force: toggle("force", "Finish a run also if there is a process with the number of its own")
  },
  Effect.fn("finish")(function*({ force, json, paths }) {
    const recorder = yield* Recorder.Recorder
    const problems: Array<string> = []
    const outcomes = yield* Effect.forEach(
      yield* expand(paths),
      (journal) =>
        paths.includes(journal) || journal.endsWith(".jsonl")
          ? recorder.finish(journal, { isOver: force }).pipe(Effect.matchEffect({
            onSuccess: Effect.fnUntraced(function*({ damage, file, record }) {
              for (const each of damage) yield* Console.error(damageOf(each))
              if (!json) yield* print(printable(file))
              return [{ journal, file, status: record.status, damage }]
            }),
            onFailure: Effect.fnUntraced(function*({ _tag, message }) {
              // In a folder there may be others that can be finished.
              if (_tag === "RunGoesOn" && !paths.includes(journal)) yield* Console.error(printable(message))
              else problems.push(message)
              return [{ journal, problem: message }]
            })
          }))
          : Effect.succeed([])
    )
    if (json) yield* printJson(outcomes.flat())
    if (problems.length > 0) return yield* Effect.fail(new UsageError(problems.join("\n")))
  })
).pipe(Command.withDescription("Make records of the journals that killed runs left"))
