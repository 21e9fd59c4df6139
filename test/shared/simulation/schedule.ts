/**
 * What happens to a pool in a simulation: its options, how its workers and their messages fare, and what its callers do.
 * All times are milliseconds of the test's clock.
 *
 * A schedule is plain data, so that one that fails can be made shorter and kept.
 */
import * as fc from "fast-check"

export interface Schedule {
  readonly pool: PoolPlan
  /** By the order in which workers are started. */
  readonly workers: ReadonlyArray<WorkerPlan>
  /** How all others start. */
  readonly othersStart: Start
  readonly steps: ReadonlyArray<Step>
  /** Whether the executor is closed when its jobs have settled, or right after the last step. */
  readonly drains: boolean
}

export interface PoolPlan {
  readonly maxWorkers: number
  readonly minWorkers: number
  /** `null` is never. */
  readonly maxJobsPerWorker: number | null
  /** `null` is for ever. */
  readonly idleTimeToLive: number | null
  /** Whether a job that is interrupted has for ever to stop, or no time at all. */
  readonly patient: boolean
  readonly sharesMemory: boolean
  readonly hasSetup: boolean
}

export type Start = "works" | "cannot be spawned" | "dies before the handshake" | "setup throws" | "dies in setup"

export interface WorkerPlan {
  readonly start: Start
  /** From spawn to handshake. */
  readonly startMs: number
  /** Dies so long after the handshake. */
  readonly diesAfterMs: number | null
  /** From the signs of its death to its end. */
  readonly lingersMs: number
  /** From the order to stop to its end, while it goes on. */
  readonly stopsAfterMs: number
  /** What becomes of the first messages in each direction; those beyond arrive. */
  readonly inbox: ReadonlyArray<Fate>
  readonly outbox: ReadonlyArray<Fate>
}

/** A lost message is followed by the death of its worker: nothing else could settle a job that nobody interrupts. */
export type Fate =
  | { readonly _tag: "Arrives"; readonly afterMs: number }
  | { readonly _tag: "ArrivesTwice"; readonly againAfterMs: number }
  | { readonly _tag: "IsLost"; readonly diesAfterMs: number }

export type Step =
  | ({ readonly _tag: "Execute" } & ExecutePlan)
  | { readonly _tag: "Wait"; readonly ms: number }
  /** The caller gives up on one of the tasks so far. */
  | { readonly _tag: "Interrupt"; readonly task: number }
  /** One of the workers that are there dies. */
  | { readonly _tag: "Kill"; readonly worker: number }
  | { readonly _tag: "Drain" }

export interface ExecutePlan {
  readonly items: ReadonlyArray<ItemPlan>
  readonly priority: number
  readonly retryWorkerDeath: number
  /** Whether no two workers may run items of it at the same time. */
  readonly oneByOne: boolean
  /** Whether the first item that fails ends it. */
  readonly untilFailure: boolean
  readonly deadline: { readonly queued?: number; readonly running?: number; readonly total?: number }
  /** How often the caller executes it again, at once, when no worker could be started. */
  readonly insists: number
  /** Whether somebody looks on; jobs of others may be sent to a worker that is busy. */
  readonly isObserved: boolean
  /** Whether it is submitted, and its fiber waited for, if it is a single item. */
  readonly isSubmitted: boolean
}

export interface ItemPlan {
  readonly does:
    | "return"
    /** Returns when it is asked to stop, too. */
    | "listen"
    | "throw"
    /** Its worker dies of it. */
    | "exit"
    | "take what cannot be cloned"
    | "return what cannot be cloned"
  readonly ms: number
}

const ms = (max: number) => fc.nat({ max })

const times = (max: number) => fc.constantFrom(0, 0, 1, 2, 5, max)

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ _tag: fc.constant("Arrives"), afterMs: times(30) }) },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("ArrivesTwice"), againAfterMs: times(30) }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("IsLost"), diesAfterMs: ms(60) }) }
)

const start: fc.Arbitrary<Start> = fc.oneof(
  { weight: 8, arbitrary: fc.constant("works") },
  {
    weight: 3,
    arbitrary: fc.constantFrom("dies before the handshake", "cannot be spawned", "setup throws", "dies in setup")
  }
)

const worker: fc.Arbitrary<WorkerPlan> = fc.record({
  start,
  startMs: times(40),
  diesAfterMs: fc.option(ms(80), { freq: 4 }),
  lingersMs: times(20),
  stopsAfterMs: times(40),
  inbox: fc.array(fate, { maxLength: 6 }),
  outbox: fc.array(fate, { maxLength: 6 })
})

const item: fc.Arbitrary<ItemPlan> = fc.record({
  does: fc.oneof(
    { weight: 6, arbitrary: fc.constant("return") },
    { weight: 2, arbitrary: fc.constant("listen") },
    {
      weight: 3,
      arbitrary: fc.constantFrom("throw", "exit", "take what cannot be cloned", "return what cannot be cloned")
    }
  ),
  ms: fc.oneof({ weight: 8, arbitrary: ms(20) }, { weight: 1, arbitrary: fc.constant(1000) })
})

const limit = fc.constantFrom(0, 1, 5, 20, 60)

const execute: fc.Arbitrary<Step> = fc.record({
  _tag: fc.constant("Execute"),
  items: fc.oneof(
    { weight: 4, arbitrary: fc.array(item, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(item, { maxLength: 4 }) }
  ),
  priority: fc.constantFrom(0, 0, 1, -1),
  retryWorkerDeath: fc.constantFrom(0, 0, 1, 2),
  oneByOne: fc.boolean(),
  untilFailure: fc.boolean(),
  deadline: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record({ queued: limit, running: limit, total: limit }, { requiredKeys: [] }) }
  ),
  insists: fc.constantFrom(0, 0, 3),
  isObserved: fc.boolean(),
  isSubmitted: fc.boolean()
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: execute },
  { weight: 3, arbitrary: fc.record({ _tag: fc.constant("Wait"), ms: times(50) }) },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("Interrupt"), task: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("Kill"), worker: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("Drain") }) }
)

const pool: fc.Arbitrary<PoolPlan> = fc.integer({ min: 1, max: 3 }).chain((maxWorkers) =>
  fc.record({
    maxWorkers: fc.constant(maxWorkers),
    minWorkers: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, {
      weight: 1,
      arbitrary: fc.nat({ max: maxWorkers })
    }),
    maxJobsPerWorker: fc.constantFrom(null, null, 1, 2, 3),
    idleTimeToLive: fc.constantFrom(null, null, 0, 10, 50),
    patient: fc.boolean(),
    sharesMemory: fc.boolean(),
    hasSetup: fc.boolean()
  })
)

export const schedule: fc.Arbitrary<Schedule> = fc.record({
  pool,
  workers: fc.array(worker, { maxLength: 8 }),
  othersStart: start,
  steps: fc.array(step, { maxLength: 24, size: "max" }),
  drains: fc.boolean()
})
