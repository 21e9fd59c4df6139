import { setTimeout } from "node:timers/promises"
import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

/** Until the threads on which V8 compiles what was loaded have done, and leave the cores to those that start. */
const rest = () => setTimeout(300)

/** How soon a pool is of use. */
export const start: Case = {
  name: "start",
  description: "From nothing to the first result, of a pool that starts --workers threads (3); its modules are loaded",
  subjects: [
    ...eachPool(
      ({ workers }) => ({ workers, inFlight: workers }),
      async (open) => {
        await rest()
        return measure.once(async () => {
          const { run } = await open()
          await run("noop", 0)
        })
      }
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async ({ workers }) => {
        const { Effect, Executor, jobs: { noop }, open } = await import("../ours.ts")
        // Workers start for jobs that wait, so there is one for each.
        const jobs = Array.from({ length: workers }, () => Executor.run(noop, 0))
        await rest()
        return measure.once(() => open(workers, 0).runPromise(Effect.raceAllFirst(jobs)))
      }
    }
  ]
}
