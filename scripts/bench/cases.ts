/** Everything that is measured, in the order in which it is. */
import type { Case } from "./case.ts"
import { backlog } from "./cases/backlog.ts"
import { cluster } from "./cases/cluster.ts"
import { experiment } from "./cases/experiment.ts"
import { idle } from "./cases/idle.ts"
import { latency, noop } from "./cases/in-flight.ts"
import { interrupt } from "./cases/interrupt.ts"
import { map } from "./cases/map.ts"
import { million } from "./cases/million.ts"
import { payloads } from "./cases/payload.ts"
import { results, resultsGlobalLimit } from "./cases/results.ts"
import { start } from "./cases/start.ts"
import { uneven } from "./cases/uneven.ts"

export const cases: ReadonlyArray<Case> = [
  noop,
  latency,
  map,
  uneven,
  results,
  resultsGlobalLimit,
  ...payloads,
  start,
  idle,
  million,
  backlog,
  interrupt,
  experiment,
  ...cluster
]
