#!/usr/bin/env -S npx tsx
/**
 * Submits every job at once and keeps the futures in an array: each holds its result, so memory climbs by one array a
 * job, though every result is read as it comes.
 *
 *     npx tsx scripts/eager.ts --jobs 50 --count 10000000 --workers 3
 */
import "./shared/require-node.js"
import { Effect, Fiber, Stream } from "effect"
import { Executor, Future, Memory } from "../lib/mod.ts"
import * as Experiment from "./shared/experiment.ts"
import { main } from "./shared/main.ts"

export const command = Experiment.command({
  name: "eager",
  description: "Submit all jobs and keep their futures: memory climbs by one array a job",
  arrays: ({ jobs }) => jobs,
  run: Effect.fnUntraced(function*({ count, jobs }, sin) {
    const futures: Array<Fiber.Fiber<Float64Array, unknown>> = []
    for (let job = 0; job < jobs; job++) futures.push(yield* Executor.submit(sin, { count }))

    yield* Future.asCompleted(futures).pipe(
      Stream.mapEffect(Fiber.join),
      Stream.runForEach(() => Memory.log)
    )
    return futures.length
  })
})

if (import.meta.main) main(command)
