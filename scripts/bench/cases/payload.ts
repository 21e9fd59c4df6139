import { serialize } from "node:v8"
import type { Case } from "../case.ts"
import * as measure from "../measure.ts"
import { eachPool } from "../pools.ts"

const inFlight = 8

const fewBytes = 1024

const record = (id: number) => ({ id, name: `record ${id}`, isActive: id % 2 === 0, score: id / 3, tags: ["a", "b"] })

/** As many as take up `bytes` when they are cloned. */
const records = (bytes: number) =>
  Array.from({ length: Math.ceil(bytes / serialize(record(1000)).length) }, (_, id) => record(id))

/** What it costs to send something there and back. */
const payload = (size: string, bytes: number, kind: "object" | "array"): Case => ({
  name: `payload-${size}-${kind}`,
  description: kind === "object"
    ? `${size.toUpperCase()} of plain objects to a job and back, ${inFlight} in flight on 2 threads`
    : `A Float64Array of ${size.toUpperCase()} to a job and back, ${inFlight} in flight on 2 threads, moved where a ` +
      `pool can${bytes > fewBytes ? "" : "; effect-futures copies so few bytes"}`,
  subjects: [
    ...eachPool(
      () => ({ workers: 2, inFlight }),
      async (open, sizes) => {
        const { run } = await open()
        const objects = Array.from({ length: inFlight }, () => records(bytes))
        const arrays: Array<unknown> = Array.from({ length: inFlight }, () => new Float64Array(bytes / 8))
        const exchange = kind === "object"
          ? (lane: number) => run("echo", objects[lane])
          : async (lane: number) => arrays[lane] = await run("pass", arrays[lane], "moves")
        return measure.rate((jobs) => measure.keepInFlight(inFlight, jobs, exchange), sizes)
      }
    ),
    {
      name: "effect-futures",
      role: "ours",
      sample: async (sizes) => {
        const { Effect, Executor, jobs: { echo, pass }, open, stream } = await import("../ours.ts")
        const { runPromise } = open(2)
        const objects = Array.from({ length: inFlight }, () => records(bytes))
        const arrays = Array.from({ length: inFlight }, () => new Float64Array(bytes / 8))
        // What moves cannot be sent ahead, and a few bytes are copied sooner.
        const copied = kind === "object" ? objects : bytes > fewBytes ? undefined : arrays
        const exchange = copied !== undefined
          ? (n: number) => Executor.run(echo, copied[n % inFlight])
          : () =>
            Effect.suspend(() => {
              const array = arrays.pop()!
              return Effect.map(Executor.run(pass, array, { transfer: [array.buffer] }), (moved) => arrays.push(moved))
            })
        return measure.rate((jobs) => runPromise(stream(inFlight, jobs, exchange)), sizes)
      }
    }
  ]
})

export const payloads: ReadonlyArray<Case> = (["object", "array"] as const).flatMap((kind) => [
  payload("1kb", 1024, kind),
  payload("64kb", 65_536, kind),
  payload("1mb", 1_048_576, kind)
])
