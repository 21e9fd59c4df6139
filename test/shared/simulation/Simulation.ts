/**
 * The world of a pool in a simulation: workers that fare as planned, a job that does what its input says, and an account
 * of what ran where. Whatever no pool may do is a violation as soon as it happens.
 */
import { Clock, Deferred, Effect, Exit, Layer, Scope } from "effect"
import * as EffectWorker from "effect/workers/Worker"
import { WorkerError, WorkerReceiveError } from "effect/workers/WorkerError"
import type { Host } from "../../../lib/internal/Fleet.ts"
import type * as Job from "../../../lib/Job.ts"
import type { ItemPlan, Schedule, WorkerPlan } from "./schedule.ts"
import { SimulatedWorker } from "./SimulatedWorker.ts"
import * as Timeline from "./Timeline.ts"

export interface Input extends ItemPlan {
  /** No two items have the same. */
  readonly label: number
  /** No two items of a group may run at the same time. */
  readonly group?: number
  readonly cannotBeCloned?: () => void
}

export type Simulation = Effect.Success<ReturnType<typeof make>>

/** More starts than the longest schedule needs. Workers beyond do not come up, so that the simulation ends. */
const tooMany = 1000

const unharmed: Omit<WorkerPlan, "start"> = {
  startMs: 0,
  diesAfterMs: null,
  lingersMs: 0,
  stopsAfterMs: 0,
  inbox: [],
  outbox: []
}

const stuck: WorkerPlan = { ...unharmed, start: "works", startMs: Infinity }

/** Whether the result of an item fits into a slot of the memory that a worker shares. */
const isSmall = (label: number) => label % 2 === 1

/** Whether its input does. */
const isShort = ({ cannotBeCloned, label }: Input) => label % 3 > 0 && cannotBeCloned === undefined

export const make = Effect.fnUntraced(function*({ othersStart, pool, workers: plans }: Schedule) {
  const timeline = yield* Timeline.make
  const workers: Array<SimulatedWorker> = []
  const violations: Array<string> = []
  /** The workers that each item ran on. */
  const runs = new Map<number, Array<SimulatedWorker>>()
  /** The inputs of which the job gets the label alone. */
  const labelled = new Map<number, Input>()
  /** Items that must not start any more. */
  const withdrawn = new Set<number>()
  let isClosing = false

  const violation = (what: string) => void violations.push(`at ${timeline.now()} ms: ${what}`)

  const onStart = ({ group, label }: Input, worker: SimulatedWorker) => {
    const earlier = runs.get(label) ?? []
    if (withdrawn.has(label)) violation(`item ${label} ran after it was interrupted in the queue`)
    if (earlier.some((worker) => worker.isAlive)) violation(`item ${label} ran again while its first worker lived`)
    if (worker.running !== undefined) violation(`worker ${worker.workerId} ran two items at the same time`)
    if (pool.hasSetup && worker.setups !== 1) violation(`worker ${worker.workerId} ran a job before its setup`)
    const isBeside = group !== undefined && workers.some((other) => other.isAlive && other.group === group)
    if (isBeside) violation(`item ${label} ran beside another of its group`)
    runs.set(label, [...earlier, worker])
    worker.running = label
    worker.group = group
    const running = workers.filter((worker) => worker.isAlive && worker.running !== undefined).length
    if (running > pool.maxWorkers) violation(`${running} jobs ran at the same time`)
  }

  const asSent = (input: Input): Input | number => {
    if (!isShort(input)) return input
    labelled.set(input.label, input)
    return input.label
  }

  const job: Job.Job<Input | number, unknown> = {
    module: import.meta.url,
    name: "simulated",
    run: (sent, context) =>
      new Promise((resolve, reject) => {
        const input = typeof sent === "number" ? labelled.get(sent)! : sent
        const worker = workers[context.workerId - 1]!
        if (!worker.isAlive) return
        if (typeof sent === "number" && !worker.sent.has(sent)) worker.jobs++
        onStart(input, worker)
        if (worker.context === context && context.cancelled()) violation(`item ${input.label} ran, of a cancelled run`)
        worker.context = context
        let hasEnded = false
        const end = () => {
          if (!worker.isAlive || hasEnded) return
          hasEnded = true
          worker.running = undefined
          worker.group = undefined
          if (input.does === "exit") worker.die()
          else if (input.does === "throw") reject(new Error(`item ${input.label}`))
          else if (input.does === "return what cannot be cloned") resolve(() => {})
          else if (isSmall(input.label)) resolve(input.label)
          else resolve(context.allocate(Float64Array, 1).fill(input.label))
        }
        timeline.after(input.ms, end)
        if (input.does !== "listen") return
        if (context.signal.aborted) end()
        else context.signal.addEventListener("abort", end)
      })
  }

  const setup: Job.Job<void, void> = {
    module: import.meta.url,
    name: "setup",
    run: async (_, context) => {
      const worker = workers[context.workerId - 1]!
      worker.setups++
      if (worker.setups > 1) violation(`worker ${worker.workerId} was set up twice`)
      if (worker.plan.start === "setup throws") throw new Error("no setup")
      if (worker.plan.start === "dies in setup") worker.die()
    }
  }

  const spawn = (workerId: number): SimulatedWorker => {
    const plan = workerId > tooMany ? stuck : plans[workers.length] ?? { ...unharmed, start: othersStart }
    if (workerId > tooMany) violation(`${workerId} workers were started`)
    if (isClosing) violation(`worker ${workerId} was started while the executor closed`)
    const worker = new SimulatedWorker(workerId, plan, timeline, (address) => address === 0 ? setup : job)
    workers[workerId - 1] = worker
    if (plan.start !== "cannot be spawned") return worker
    worker.isAlive = false
    worker.isGone = true
    throw new Error("cannot be spawned")
  }

  const stop = (worker: SimulatedWorker) =>
    Effect.suspend(() => {
      const isIdle = worker.isReady && worker.jobs < (pool.maxJobsPerWorker ?? Infinity)
      const others = workers.filter((other) => other !== worker && seemsToStay(other)).length
      if (!isClosing && isIdle && others < pool.minWorkers) violation(`idle worker ${worker.workerId} had to go`)
      return worker.stop
    })

  /** As far as the pool can know. */
  const seemsToStay = (worker: SimulatedWorker) =>
    worker.isGone ? worker.goneAt === timeline.now() : worker.diedOfItself || !worker.isStopping

  const layerPlatform = Layer.succeed(
    EffectWorker.WorkerPlatform,
    EffectWorker.makePlatform<SimulatedWorker>()({
      setup: ({ scope, worker }) => Effect.as(Scope.addFinalizer(scope, stop(worker)), worker),
      listen: ({ deferred, emit, port }) =>
        Effect.sync(() => {
          port.emit = emit
          port.onDeath = () => {
            const reason = new WorkerReceiveError({ message: "The worker is gone" })
            Deferred.doneUnsafe(deferred, Exit.fail(new WorkerError({ reason })))
          }
        })
    })
  )

  const host: Host = {
    terminate: (workerId) => {
      const worker = workers[workerId - 1]
      return worker === undefined ? Effect.void : stop(worker)
    },
    exitOf: () => ({ exitCode: 1 }),
    address: (named) => named === setup ? 0 : 1,
    sharesMemory: pool.sharesMemory,
    refusal: () => undefined,
    clock: yield* Clock.Clock
  }

  return {
    workers,
    withdrawn,
    violations,
    violation,
    asSent,
    job,
    setup,
    host,
    layer: Layer.merge(layerPlatform, EffectWorker.layerSpawner(spawn)),
    alive: () => workers.filter((worker) => !worker.isGone),
    /** From now on no worker may start. */
    closes: () => {
      isClosing = true
    }
  }
})
