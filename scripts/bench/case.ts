/** A case: the same work, done by several subjects, each sample in a process of its own. */
import type { RunRecord } from "../../lib/mod.ts"

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
  /** A program that not every machine has, without which this subject is left out. */
  readonly needs?: string
  /** Loads what it measures, so that no subject's process holds what another needs. */
  readonly sample: (sizes: Sizes) => Promise<RunRecord.BenchSample>
}

/** How much there is to do. */
export interface Sizes {
  readonly jobs: number
  readonly count: number
  readonly workers: number
  /** Just enough to see that it works. */
  readonly quick: boolean
}
