#!/usr/bin/env -S npx tsx
/**
 * The Stream of `lazy.ts` with `use` in place of `run`: each result is on loan, and its buffer goes back to be filled
 * again. No more arrays ever exist than there are workers.
 *
 *     npx tsx scripts/loan.ts --jobs 50 --count 10000000 --workers 3
 */
import "./shared/require-node.js"
import { Stream } from "effect"
import { Executor, Memory } from "../lib/mod.ts"
import * as Experiment from "./shared/experiment.ts"
import { main } from "./shared/main.ts"

export const command = Experiment.command({
  name: "loan",
  description: "Borrow each result and give its buffer back: memory stays flat to the last array",
  arrays: ({ workers }) => workers,
  run: ({ count, jobs, workers }, sin) =>
    Stream.range(0, jobs - 1).pipe(
      Stream.mapEffect(() => Executor.use(sin, { count }, () => Memory.log), { concurrency: workers, unordered: true }),
      Stream.runDrain
    )
})

if (import.meta.main) main(command)
