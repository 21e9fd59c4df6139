/** The result of a job whose worker has written it to a file. */
import * as Context from "effect/Context"
import type { Written } from "./cluster/storing.ts"

/** What a job succeeds with in place of its result. */
export class StoredResult {
  readonly written: Written

  constructor({ bytes, hash }: Written) {
    this.written = { bytes, hash }
  }
}

/** The file for the result of the one job that is executed, where that has large buffers. By default none. */
export const StoreAs = Context.Reference<string | undefined>("effect-futures/internal/StoreAs", {
  defaultValue: () => undefined
})
