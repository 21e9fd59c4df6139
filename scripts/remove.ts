#!/usr/bin/env -S npx tsx
/**
 * Submits every job at once, and removes each future from the set of them once it is read: the remedy by hand. Memory
 * stays flat as long as the reader keeps up.
 *
 *     npx tsx scripts/remove.ts --jobs 50 --count 10000000 --workers 3
 */
import "./shared/require-node.js"
import { Effect, Fiber, Stream } from "effect"
import { Executor, Future, Memory } from "../lib/mod.ts"
import * as Experiment from "./shared/experiment.ts"
import { main } from "./shared/main.ts"

export const command = Experiment.command({
  name: "remove",
  description: "Submit all jobs and remove each future once it is read: memory stays flat",
  arrays: ({ workers }) => 2 * workers,
  run: Effect.fnUntraced(function*({ count, jobs }, sin) {
    const futures = new Set<Fiber.Fiber<Float64Array, unknown>>()
    for (let job = 0; job < jobs; job++) futures.add(yield* Executor.submit(sin, { count }))

    yield* Future.asCompleted(futures).pipe(
      Stream.tap((future) => Effect.sync(() => futures.delete(future))),
      Stream.mapEffect(Fiber.join),
      Stream.runForEach(() => Memory.log)
    )
  })
})

if (import.meta.main) main(command)
