/**
 * Lets every fault strike again and again between jobs that have done no wrong, closes the executor, tells what is left
 * of it, and should then end by itself.
 *
 *     node test/programs/faults.ts ThreadExecutor 24
 */
import { Effect } from "effect"
import { setTimeout } from "node:timers/promises"
import { backEnds } from "../shared/backEnds.ts"
import { faultsOf, strikeBetween } from "../shared/faults.ts"

const [name, rounds] = process.argv.slice(2)
const backEnd = backEnds.find((backEnd) => backEnd.name === name)!
const faults = faultsOf(backEnd.name)

// The streams of a process are opened when they are first looked at.
void [process.stdout, process.stderr]
const before = process.getActiveResourcesInfo()

const program = Effect.gen(function*() {
  for (let round = 0; round < Number(rounds); round++) yield* strikeBetween(faults[round % faults.length]!)
})

await Effect.runPromise(Effect.provide(program, backEnd.layer({ maxWorkers: 3, cancelGrace: 1 })))

// The system takes a moment to close what has ended.
await setTimeout(100)
console.log(JSON.stringify({ before, after: process.getActiveResourcesInfo() }))
