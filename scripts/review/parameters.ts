import type { RunRecord } from "../../lib/mod.ts"

/** The parameters of a run in a line. */
export const parametersOf = ({ parameters }: RunRecord.ResultFile): string =>
  Object.entries(parameters).map(([name, value]) => `${name} ${value}`).join(", ")
