/** `review finish`: records of what killed runs left. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Recorder } from "../../lib/mod.ts"
import { json, toggle } from "../shared/flags.ts"
import { UsageError } from "../shared/main.ts"
import { forEachFile } from "../shared/reading.ts"
import { print, printable, printJson } from "../shared/terminal.ts"
import { damageOf } from "../shared/words.ts"
import { expand, paths } from "./files.ts"

export const finish = Command.make(
  "finish",
  {
    paths,
    json,
    force: toggle("force", "Finish a run also if a process has the number of its own, and overwrite an earlier record")
  },
  Effect.fn("finish")(function*({ force, json, paths }) {
    const recorder = yield* Recorder.Recorder
    const files = yield* expand(paths)
    const journals = files.filter((file) => paths.includes(file) || file.endsWith(".jsonl"))
    // In a folder it is one among others, and can wait while its run goes on; a damaged one stays beside its record.
    const canWait = (journal: string, problem: string) =>
      !paths.includes(journal) && (problem === "RunGoesOn" ||
        problem === "RecordNotWritten" && files.includes(journal.replace(/\.jsonl$/, ".json")))
    const outcomes = yield* forEachFile(
      journals,
      (journal, options) =>
        Effect.match(recorder.finish(journal, { ...options, isOver: force, overwrite: force }), {
          onSuccess: ({ damage, file, record }) => ({ journal, file, status: record.status, damage }),
          onFailure: ({ _tag, message }) => ({
            journal,
            problem: message,
            isLeft: canWait(journal, _tag)
          })
        })
    )

    if (json) yield* printJson(outcomes)
    for (const outcome of outcomes) {
      if ("problem" in outcome) {
        if (outcome.isLeft) yield* Console.error(printable(outcome.problem))
        continue
      }
      for (const each of outcome.damage) yield* Console.error(printable(`${outcome.journal}: ${damageOf(each)}`))
      if (!json) yield* print(printable(outcome.file))
    }
    const failed = outcomes.flatMap((outcome) => "problem" in outcome && !outcome.isLeft ? outcome.problem : [])
    if (failed.length > 0) return yield* Effect.fail(new UsageError(failed.join("\n")))
  })
).pipe(Command.withDescription("Make records of the journals that killed runs left"))
