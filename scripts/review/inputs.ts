/** What the subcommands of `review` take. */
import { Argument, Flag } from "effect/cli"

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON on standard output, and nothing else"),
  Flag.withDefault(false)
)

export const file = Argument.File("file", { mustExist: true }).pipe(
  Argument.withDescription("A record, or the journal of a run without one")
)
