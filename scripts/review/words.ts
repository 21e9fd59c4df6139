/** What several subcommands say. */
import type { Recorder, RunRecord } from "../../lib/mod.ts"
import { printable } from "../shared/terminal.ts"

/** The parameters of a run in a line, as they stand in its file. */
export const parametersOf = ({ parameters }: Pick<RunRecord.ResultFile, "parameters">): string =>
  Object.entries(parameters).map(([name, value]) => `${name} ${value}`).join(", ")

export const damageOf = ({ line, problem }: Recorder.Read["damage"][number]): string =>
  printable(`line ${line} cannot be read: ${oneLine(problem)}`)

/** A message of several lines, in one. */
export const oneLine = (message: string): string => message.replace(/\s*\n\s*/g, " ")
