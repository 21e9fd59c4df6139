/** A case: the same work, done by several subjects, each sample in a process of its own. */
import type { RunRecord } from "../../lib/mod.ts"
import type { Pool, Use } from "./pool.ts"

export interface Case {
  readonly name: string
  readonly description: string
  /** The others are compared with the first. */
  readonly subjects: ReadonlyArray<Subject>
}

export interface Subject {
  readonly name: string
  /** A floor is what there is at least to pay; ours are compared with the best of the peers. */
  readonly role: "floor" | "peer" | "ours"
  /** Loads what it measures, so that no subject's process holds what another needs. */
  readonly sample: (sizes: Sizes) => Promise<RunRecord.BenchSample>
  /** Why it cannot be measured here, if so. */
  readonly missing?: () => string | undefined
}

/** How much there is to do. */
export interface Sizes {
  readonly jobs: number
  readonly count: number
  readonly workers: number
  /** Just enough to see that it works. */
  readonly quick: boolean
}

const pools = {
  worker_threads: () => import("./peers/worker-threads.ts"),
  piscina: () => import("./peers/piscina.ts"),
  tinypool: () => import("./peers/tinypool.ts"),
  workerpool: () => import("./peers/workerpool.ts"),
  poolifier: () => import("./peers/poolifier.ts"),
  "effect-rpc": () => import("./peers/effect-rpc.ts")
}

/** A subject for each of the pools, the floor first. */
export const eachPool = (
  use: (sizes: Sizes) => Use,
  sample: (pool: Pool, sizes: Sizes) => Promise<RunRecord.BenchSample>
): ReadonlyArray<Subject> =>
  Object.entries(pools).map(([name, load]) => ({
    name,
    role: name === "worker_threads" ? "floor" : "peer",
    sample: async (sizes) => {
      const { open } = await load()
      return sample(await open(use(sizes)), sizes)
    }
  }))
