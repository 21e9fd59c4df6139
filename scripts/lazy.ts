#!/usr/bin/env -S npx tsx
/**
 * A Stream runs the jobs, three at a time, and lets go of each result once it is read: memory stays flat.
 *
 *     npx tsx scripts/lazy.ts --jobs 50 --count 10000000 --workers 3
 */
import "./shared/require-node.js"
import { Stream } from "effect"
import { Executor, Memory } from "../lib/mod.ts"
import * as Experiment from "./shared/experiment.ts"
import { main } from "./shared/main.ts"

export const command = Experiment.command({
  name: "lazy",
  description: "Read results as a Stream that holds none of them: memory stays flat",
  arrays: ({ workers }) => 2 * workers,
  run: ({ count, jobs, workers }, sin) =>
    Stream.range(0, jobs - 1).pipe(
      Stream.mapEffect(() => Executor.run(sin, { count }), { concurrency: workers, unordered: true }),
      Stream.runForEach(() => Memory.log)
    )
})

if (import.meta.main) main(command)
