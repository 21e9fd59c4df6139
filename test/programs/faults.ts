/**
 * Lets every fault strike again and again between jobs that have done no wrong, closes the executor, tells what is left
 * of it, and should then end by itself.
 *
 *     node test/programs/faults.ts ThreadExecutor 24
 */
import { Effect } from "effect"
import { backEnds } from "../shared/backEnds.ts"
import { faultsOf, strikeBetween } from "../shared/faults.ts"

const [name, rounds] = process.argv.slice(2)
const backEnd = backEnds.find((backEnd) => backEnd.name === name)!
const faults = faultsOf(backEnd.name)

const before = process.getActiveResourcesInfo()

const program = Effect.gen(function*() {
  for (let round = 0; round < Number(rounds); round++) yield* strikeBetween(faults[round % faults.length]!)
})

await Effect.runPromise(Effect.provide(program, backEnd.layer({ maxWorkers: 3, cancelGrace: 1 })))

console.log(JSON.stringify({ before, after: process.getActiveResourcesInfo() }))
