/** Everything that is drawn, in the order in which it is read. */
import { benchmarks, standing } from "./benchmarks.ts"
import type { Chart } from "./chart.ts"
import { lanes } from "./lanes.ts"
import { memory } from "./memory.ts"
import { runTimes, waitTimes } from "./times.ts"

export const charts: ReadonlyArray<Chart> = [memory, lanes, runTimes, waitTimes, standing, benchmarks]
