/** Every pool that is measured beside this project's. */
import type { RunRecord } from "../../lib/mod.ts"
import type { Sizes, Subject } from "./case.ts"
import type { Pool, Use } from "./pool.ts"

/** What is least to pay. */
const floor = "worker_threads"

export const pools = {
  [floor]: () => import("./peers/worker-threads.ts"),
  piscina: () => import("./peers/piscina.ts"),
  tinypool: () => import("./peers/tinypool.ts"),
  workerpool: () => import("./peers/workerpool.ts"),
  poolifier: () => import("./peers/poolifier.ts"),
  "effect-rpc": () => import("./peers/effect-rpc.ts")
}

type PoolName = keyof typeof pools

const poolNames = Object.keys(pools) as Array<PoolName>

/** Without the floor. */
export const peerNames = [...poolNames.filter((name) => name !== floor), "concurrent.futures"]

/** A subject for each pool, the floor first, or for those of them that are named. */
export const eachPool = (
  use: (sizes: Sizes) => Use,
  sample: (open: () => Promise<Pool>, sizes: Sizes) => Promise<RunRecord.BenchSample>,
  names: ReadonlyArray<PoolName> = poolNames
): ReadonlyArray<Subject> =>
  names.map((name) => ({
    name,
    role: name === floor ? "floor" : "peer",
    sample: async (sizes) => {
      const { open } = await pools[name]()
      return sample(async () => open(use(sizes)), sizes)
    }
  }))
