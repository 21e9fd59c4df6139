/** What jobs without a key leave in the cluster that nobody waits for any more, to be let go of. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as JobTable from "./JobTable.ts"
import * as messages from "./messages.ts"
import { keyOf } from "./names.ts"
import { persist } from "./persist.ts"

export type Leftovers = Effect.Success<typeof make>

export const make = Effect.gen(function*() {
  const table = yield* JobTable.JobTable
  /** The names of jobs whose rows hold what can go. */
  const forgotten: Array<string> = []
  const oneByOne = Semaphore.makeUnsafe(1).withPermits(1)

  /** Removes what the row of a job without a key refers to, and has it forgotten. */
  const letGo = (name: string, ...references: ReadonlyArray<string | null>) => {
    if (keyOf(name) !== undefined) return Effect.void
    forgotten.push(name)
    return Effect.forEach(references, messages.discard, { discard: true })
  }

  return {
    letGo,

    /** Of a job that was cancelled: it can have ended before. */
    letGoCancelled: (name: string, inputReference: string | null) =>
      Effect.flatMap(
        Effect.orElseSucceed(table.ended([name]), () => []),
        ([row]) => letGo(name, inputReference, row?.replyReference ?? null)
      ),

    /** Forgets those that there are, until the database has. */
    forget: oneByOne(
      Effect.suspend(() =>
        Effect.forEach(
          Arr.chunksOf(forgotten.splice(0), JobTable.namesAtOnce),
          (some) => persist(table.forget(some)),
          { discard: true }
        )
      )
    ),

    /** Forgets the rest, after a `forget` that is at work: a program that ends would cut that off. */
    forgetAll: oneByOne(Effect.suspend(() => table.forget(forgotten)))
  }
})
