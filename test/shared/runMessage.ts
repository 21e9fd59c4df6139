import type { ToWorker } from "../../lib/internal/protocol.ts"

/** What has a worker run one caller's inputs, of which nobody looks at the cost. */
export const runMessage = (
  id: number,
  job: unknown,
  inputs: ReadonlyArray<unknown>
): Extract<ToWorker, { readonly _tag: "Run" }> => ({
  _tag: "Run",
  id,
  job,
  inputs,
  together: true,
  untilFailure: false,
  spares: [],
  observed: false,
  traced: false,
  limited: false,
  asSent: undefined
})
