/** What a cluster's runner asks of its executor: that values are as they are sent, and large results in files. */
import * as Context from "effect/Context"
import type { Written } from "./cluster/storing.ts"
import type { AsSent } from "./protocol.ts"

/** What a job succeeds with in place of its result. */
export class StoredResult {
  readonly written: Written

  constructor({ bytes, hash }: Written) {
    this.written = { bytes, hash }
  }
}

/** Where the inputs of what is executed are as they were sent, and its results are to be as they are sent. */
export const ValuesAsSent = Context.Reference<AsSent | undefined>("effect-futures/internal/ValuesAsSent", {
  defaultValue: () => undefined
})
