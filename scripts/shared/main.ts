/** Runs a script's command as a process: its signals, its errors and its exit status. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Runtime } from "effect"
import { CliError, CliOutput, Command } from "effect/cli"
import { ExecutorError, Recorder } from "../../lib/mod.ts"
import packageJson from "../../package.json" with { type: "json" }
import { printable } from "./terminal.ts"

/** Exit statuses; one of an interruption is 128 and the signal's number. */
const status = { failed: 1, badUsage: 2, sighup: 129, sigint: 130, sigpipe: 141, sigterm: 143 }

/** Bad usage, or a condition that a flag can change; nothing was started. */
export class UsageError extends Error {
  override readonly [Runtime.errorExitCode] = status.badUsage
}

/** All went well, and the answer is no. */
export class Failed extends Error {
  override readonly [Runtime.errorExitCode] = status.failed
}

/** The command of a script; it may need what every script has. */
export type AnyCommand<Name extends string, Input, ContextInput> = Command.Command<
  Name,
  Input,
  ContextInput,
  unknown,
  Command.Environment | Recorder.Recorder
>

export const main = <Name extends string, Input, ContextInput>(
  command: AnyCommand<Name, Input, ContextInput>
): void => {
  let interrupted: number | undefined
  let hasEnded = false
  let isCut = false
  const hear = (status: number) => {
    interrupted = status
    // Nothing but the reader of what was printed is waited for.
    if (hasEnded) process.exit(status)
  }
  const interrupt = (status: number) => {
    hear(status)
    process.emit("SIGINT")
  }
  process.on("SIGINT", () => hear(interrupted ?? status.sigint))
  process.on("SIGTERM", () => hear(status.sigterm))
  process.on("SIGHUP", () => interrupt(status.sighup))
  // There is nobody left to tell of it.
  process.stderr.on("error", () => {})
  // A reader that has seen enough (`| head`) ends the run as Ctrl-C does; what was printed last can fail after its end.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The terminal is gone, and SIGHUP has ended the run already.
    if (interrupted === status.sighup) return
    const isReaderGone = error.code === "EPIPE"
    if (!isReaderGone && !isCut) console.error(`Standard output cannot be written: ${error.message}`)
    isCut = true
    const ended = isReaderGone ? status.sigpipe : status.badUsage
    if (hasEnded) process.exitCode = ended
    else interrupt(ended)
  })
  NodeRuntime.runMain(run(command, process.argv.slice(2)), {
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      hasEnded = true
      const end = () => onExit(statusOf(exit, interrupted ?? status.sigint))
      // A pipe takes what was printed last as its reader does: an interrupted script gives that a second.
      process.stdout.write("", end)
      if (interrupted !== undefined) setTimeout(end, 1000)
    }
  })
}

/** What a script does with its arguments: says why it failed, if it does, and leaves the process alone. */
export const run = <Name extends string, Input, ContextInput>(
  command: AnyCommand<Name, Input, ContextInput>,
  args: ReadonlyArray<string>
) =>
  Command.runWith(command, { version: packageJson.version })(args).pipe(
    Effect.tapCause(report),
    Effect.provide(Layer.provideMerge(Layer.merge(Recorder.Recorder.layer, errorsOnly), NodeServices.layer))
  )

/** The exit status of a script that ended so; `interrupted` is that of an interruption. */
export const statusOf = (exit: Exit.Exit<unknown, unknown>, interrupted: number): number => {
  if (Exit.isSuccess(exit)) return 0
  const { cause } = exit
  if (Cause.hasInterruptsOnly(cause)) return interrupted
  const error = Cause.squash(cause)
  if (error instanceof Recorder.RecordNotWritten || error instanceof Recorder.RecordNotRead) return status.badUsage
  if (error instanceof ExecutorError.ClusterUnavailable) return status.badUsage
  if (error instanceof ExecutorError.InvalidOptions) return status.badUsage
  if (CliError.isCliError(error)) return Runtime.getErrorExitCode(error) === 0 ? 0 : status.badUsage
  return Runtime.getErrorExitCode(error)
}

/** Says on standard error why something failed, once. */
export const report = (cause: Cause.Cause<unknown>) => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (CliError.isCliError(error) || error instanceof Error && reported.has(error)) return Effect.void
  if (error instanceof Error) reported.add(error)
  if (error instanceof Recorder.RecordNotWritten) return Console.error(printableLines(`--out: ${error.message}`))
  if (error instanceof ExecutorError.JobThrew) {
    return Console.error(printableLines(`Job "${error.job}" threw ${error.stack}`))
  }
  return Console.error(printableLines(error instanceof Error ? error.message : Cause.pretty(cause)))
}

const printableLines = (text: string) => text.split("\n").map(printable).join("\n")

const reported = new WeakSet<Error>()

/** What is wrong with a command line, without the whole of its help. */
const errorsOnly = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        [...event.errors.map(({ message }) => printableLines(message)), `See ${event.commandPath.join(" ")} --help`]
          .join("\n")
      )
      : CliOutput.defaultPresenter.present(event)
})
