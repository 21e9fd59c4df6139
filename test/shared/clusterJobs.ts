/** The jobs that the runners of the tests have. */
import { sin } from "../../lib/jobs/sin.ts"
import type { Job } from "../../lib/mod.ts"
import * as cluster from "../jobs/cluster.ts"
import * as effects from "../jobs/effects.ts"
import * as faults from "../jobs/faults.ts"
import * as throws from "../jobs/throws.ts"
import * as values from "../jobs/values.ts"

const { unknown: _, ...known } = cluster

export const jobs: ReadonlyArray<Job.Any> = [
  sin,
  ...Object.values(known),
  effects.half,
  effects.halfTraced,
  effects.failPlain,
  faults.exit,
  throws.throwing,
  values.square,
  values.echo,
  values.bytes,
  values.functionBelowZero
]
