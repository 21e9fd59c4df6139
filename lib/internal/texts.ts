/** Messages between threads, in which large plain values go as JSON where that is quicker. Loads nothing of Effect. */
import { largeJson, parse } from "./plainJson.ts"
import type { FromWorker, ToWorker } from "./protocol.ts"

type Message = ToWorker | FromWorker

/** A message as it is posted. */
export const written = <M extends Message>(message: M): M => withValues(message, largeJson)

/** The other half of {@link written}. */
export const read = <M extends Message>(message: M): M =>
  withValues(message, (values) => typeof values === "string" ? parse(values) : undefined)

const withValues = <M extends Message>(message: M, change: (values: unknown) => unknown): M => {
  const key = keys[message._tag]
  const changed = key && change(message[key as keyof M])
  return changed === undefined ? message : { ...message, [key!]: changed }
}

/** Where a message has the values of jobs. */
const keys: Partial<Record<Message["_tag"], string>> = { Run: "inputs", Settled: "outcomes" }
