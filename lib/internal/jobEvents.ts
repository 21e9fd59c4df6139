/** What an executor tells of its jobs. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type { JobEvent } from "../Executor.ts"
import { reasonFor } from "./errorCodec.ts"

let jobIds = 0

/** The first of so many numbers that no other jobs of this process have. */
export const newJobIds = (jobs: number): number => {
  jobIds += jobs
  return jobIds - jobs
}

export type WithoutId<Event> = Event extends unknown ? Omit<Event, "id"> : never

type End = Pick<Extract<JobEvent, { readonly _tag: "Settled" }>, "status" | "error">

/** How a job ended that settled with `exit`. */
export const endOf = (exit: Exit.Exit<unknown, unknown>): End => {
  if (Exit.isSuccess(exit)) return { status: "succeeded", error: undefined }
  if (Exit.hasInterrupts(exit)) return { status: "interrupted", error: undefined }
  return { status: "failed", error: reasonFor(Cause.squash(exit.cause)) }
}
