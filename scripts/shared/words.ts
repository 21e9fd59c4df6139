/** How records, and numbers of things, are put into words. */
import type { Recorder, RunRecord } from "../../lib/mod.ts"

/** The parameters of a run in a line, as they stand in its file. */
export const parametersOf = ({ parameters }: Pick<RunRecord.ResultFile, "parameters">): string =>
  Object.entries(parameters).map(([name, value]) => `${name} ${value}`).join(", ")

/** What is wrong with a journal that can be read for the rest. */
export const damageOf = ({ line, problem }: Recorder.Read["damage"][number]): string =>
  `line ${line} cannot be read: ${oneLine(problem)}`

/** A message of several lines, in one; looked for from the beginning of white space alone, of which there can be a lot. */
export const oneLine = (message: string): string => message.replace(/(?<!\s)\s*\n\s*/g, " ")

/** So many of a thing, as one says it: "1 job", "2 jobs". */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`

/** As a shell takes it for one word. */
export const quoted = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
