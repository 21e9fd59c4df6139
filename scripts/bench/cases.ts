/** Everything that is measured, in the order in which it is. */
import type { Case } from "./case.ts"
import { latency, noop } from "./cases/in-flight.ts"

export const cases: ReadonlyArray<Case> = [noop, latency]
