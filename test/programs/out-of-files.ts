/** Runs a job when no file can be opened any more, and one when they can again; for a process that may open few. */
import { Console, Effect } from "effect"
import fs from "node:fs"
import { Executor, ProcessExecutor } from "../../lib/mod.ts"
import * as values from "../jobs/values.ts"

const files: Array<number> = []

const openAll = () => {
  while (true) files.push(fs.openSync("/dev/null", "r"))
}

const program = Effect.gen(function*() {
  yield* Effect.ignore(Effect.try(openAll))
  const error = yield* Effect.flip(Executor.run(values.square, 3))
  files.forEach((file) => fs.closeSync(file))
  yield* Console.log(error.message)
  yield* Console.log(yield* Executor.run(values.square, 3))
})

await Effect.runPromise(Effect.provide(program, ProcessExecutor.layer({ maxWorkers: 1 })))
