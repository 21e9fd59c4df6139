import type { Case, Subject } from "../case.ts"
import * as measure from "../measure.ts"

const staticSizes = [1, 2, 4, 8, 16, 32]

/** Durations in milliseconds: log-normal with a mean of 1 and, for one job in a hundred, 100; the same for everyone. */
const durations = (jobs: number): Array<number> => {
  let seed = 20_261_123
  // Lehmer's generator, above 0 and below 1.
  const random = () => (seed = seed * 48_271 % 0x7fffffff) / 0x7fffffff
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: jobs }, () => random() < 0.01 ? 100 : Math.exp(normal() - 0.5))
}

const mapped = (chunkSize: number | "auto"): Subject => ({
  name: `chunks of ${chunkSize}`,
  role: chunkSize === "auto" ? "ours" : "peer",
  sample: async ({ quick }) => {
    const { Executor, jobs: { spin }, Stream, open } = await import("../ours.ts")
    const { runPromise } = open(2)
    const run = (inputs: ReadonlyArray<number>) =>
      Stream.fromIterable(inputs).pipe(Executor.map(spin, { chunkSize, unordered: true }), Stream.runDrain, runPromise)
    await run(Array.from({ length: 100 }, () => 0.01))
    const inputs = durations(quick ? 40 : 2000)
    return measure.once(() => run(inputs))
  }
})

/** Whether chunks hold fast jobs back behind slow ones. */
export const uneven: Case = {
  name: "uneven",
  description:
    "2000 jobs of uneven length (log-normal, 1 ms in the mean, one in a hundred 100 ms) through Executor.map " +
    "on 2 threads: chunks of the size that it finds, and of fixed sizes",
  subjects: [...staticSizes.map(mapped), mapped("auto")]
}
