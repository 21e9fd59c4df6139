/** Runs the commands of scripts within the process of a test, which is quick; how a process ends is another matter. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer } from "effect"
import { Command } from "effect/cli"
import { Recorder } from "../../../lib/mod.ts"

const services = Layer.provideMerge(Recorder.Recorder.layer, NodeServices.layer)

const to = (lines: Array<string>) => (...values: ReadonlyArray<unknown>) => void lines.push(values.join(" "))

/** What is printed, and the error that it ends with, if it does. */
export const run = Effect.fnUntraced(function*<Name extends string, Input, ContextInput>(
  command: Command.Command<Name, Input, ContextInput, unknown, Command.Environment | Recorder.Recorder>,
  args: ReadonlyArray<string>
) {
  const [stdout, stderr]: [Array<string>, Array<string>] = [[], []]
  const exit = yield* Command.runWith(command, { version: "0.0.0" })(args).pipe(
    Effect.provideService(Console.Console, { ...console, log: to(stdout), error: to(stderr) }),
    Effect.exit,
    Effect.provide(services)
  )
  return {
    stdout: stdout.join("\n"),
    stderr: stderr.join("\n"),
    error: Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause) as Error
  }
})
