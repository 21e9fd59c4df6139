/** `review page`: records as one HTML file that needs neither a server nor the network. */
import { Console, Effect, FileSystem, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import path from "node:path"
import { newest, plots } from "../plots/plots.ts"
import { read } from "../plots/read.ts"
import { json, strictPath, toggle } from "../shared/flags.ts"
import { UsageError } from "../shared/main.ts"
import { resultFolder } from "../shared/place.ts"
import { printable, printJson } from "../shared/terminal.ts"
import { filesIn } from "./files.ts"
import * as html from "./page/html.ts"

export const page = Command.make(
  "page",
  {
    files: Argument.File("file", { mustExist: false }).pipe(
      strictPath,
      Argument.withDescription(
        "Records, or journals of runs without one (the newest of each script in results/, or in results/reference/ " +
          "where there is none yet)"
      ),
      Argument.variadic()
    ),
    out: Flag.Path("out").pipe(
      strictPath,
      Flag.withDescription("Where the page goes (results/page.html)"),
      Flag.withDefault(path.join(resultFolder, "page.html"))
    ),
    force: toggle("force", "Overwrite the page"),
    json
  },
  Effect.fn("page")(function*({ files, force, json, out }) {
    const fs = yield* FileSystem.FileSystem
    const contents = files.length > 0 ? yield* read(files) : newest(yield* read(yield* ownRecords))
    for (const { file, reason } of contents.unreadable) yield* Console.error(printable(`${file}: ${reason}`))
    if (contents.digests.length + contents.benchmarks.length === 0) {
      return yield* Effect.fail(new UsageError("There is nothing to show: expected a record that can be read"))
    }
    const make = yield* html.make
    const text = make({ plots: plots(contents), isLive: false })
    yield* (force ? replace(out, text) : fs.writeFileString(out, text, { flag: "wx" })).pipe(
      Effect.catchTag(
        "PlatformError",
        Effect.fnUntraced(function*({ cause, message, reason }) {
          // What did not fit is no page, and would be in the way of one.
          if (!force && reason._tag !== "AlreadyExists") yield* Effect.ignore(fs.remove(out))
          const there = yield* Effect.option(fs.stat(out))
          const why = Option.isSome(there) && there.value.type === "Directory"
            ? "cannot be written: there is a Directory"
            : reason._tag === "AlreadyExists"
            ? "exists (--force overwrites it)"
            : `cannot be written: ${cause instanceof Error ? cause.message : message}`
          return yield* Effect.fail(new UsageError(`--out: ${out} ${why}`))
        })
      )
    )
    yield* json ? printJson({ file: out, unreadable: contents.unreadable }) : Console.log(out)
  })
).pipe(Command.withDescription("Make a page of records, in one HTML file"))

/** What is there stays until the page is written whole. */
const replace = Effect.fnUntraced(function*(out: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  const there = yield* Effect.option(fs.stat(out))
  if (Option.isSome(there) && there.value.type !== "File") return yield* fs.writeFileString(out, text)
  // Where a link points to, if there is one.
  const file = yield* Effect.orElseSucceed(fs.realPath(out), () => out)
  const partial = `${file}.${process.pid}.partial`
  yield* fs.writeFileString(partial, text).pipe(
    Effect.andThen(fs.rename(partial, file)),
    Effect.onError(() => Effect.ignore(fs.remove(partial)))
  )
})

const ownRecords = Effect.gen(function*() {
  const own = yield* filesIn(resultFolder)
  return own.length > 0 ? own : yield* filesIn(path.join(resultFolder, "reference"))
})
