/**
 * The worker's side: takes runs from its executor, one at a time, and replies with their outcomes.
 *
 * The same code serves a thread, a child process and the calling thread; they differ in their port and in how they find
 * a job. Loads Effect only for a job that returns an Effect.
 */
import type { Effect } from "effect/Effect"
import type * as Job from "../Job.ts"
import { Buffers, bytesIn } from "./buffers.ts"
import { decodeError, describe } from "./errorCodec.ts"
import { Cell, type EndedSpan, type FromWorker, now, type Outcome, type Settled, type ToWorker } from "./protocol.ts"

/** One end of the channel between an executor and a worker. */
export interface Port {
  readonly post: (message: readonly [0] | readonly [1, FromWorker], transfer: Array<ArrayBuffer>) => void
  /** Whether buffers move through the port instead of being copied. */
  readonly moves: boolean
  readonly close: () => void
}

/** How a worker gets hold of the job that a run names; throws or rejects, saying why, where there is none. */
export type FindJob = (address: unknown) => Job.Any | Promise<Job.Any>

type Run = Extract<ToWorker, { readonly _tag: "Run" }>

/** Makes a worker that replies through `port`; returns what handles the executor's messages. */
export const make = (port: Port, find: FindJob): (message: readonly [0, ToWorker] | readonly [1]) => void => {
  const buffers = new Buffers()
  let workerId = 0
  let cells: Int32Array | undefined
  let controller: AbortController | undefined
  let lastId = 0
  let running = -1
  let cancelled = -1

  const isCancelled = (id: number) => cancelled === id || (cells !== undefined && cells[Cell.cancelled] === (id | 0))

  const makeContext = (id: number): Job.Context => ({
    workerId,
    get signal() {
      controller ??= new AbortController()
      if (isCancelled(id)) controller.abort()
      return controller.signal
    },
    cancelled: () => isCancelled(id),
    allocate: (constructor, length) => buffers.allocate(constructor, length, true),
    allocateUnsafe: (constructor, length) => buffers.allocate(constructor, length, false),
    transfer: (value, moving) => {
      buffers.move(moving)
      return value
    }
  })

  const runAll = async (
    { id, inputs, job: address }: Pick<Run, "id" | "inputs" | "job">,
    spans?: Array<EndedSpan>
  ): Promise<Array<Outcome>> => {
    const context = makeContext(id)
    const outcomes: Array<Outcome> = []
    try {
      const job = await find(address)
      for (let item = 0; item < inputs.length; item++) {
        if (cells !== undefined) cells[Cell.item] = item
        outcomes.push(await runItem(job, inputs[item], context, spans))
        if (isCancelled(id)) break
      }
      return outcomes
    } catch (cause) {
      return inputs.map(() => ({ _tag: "NotFound", reason: describe(cause).stack }))
    }
  }

  const run = async (message: Run) => {
    if (message.id <= lastId) return
    lastId = running = message.id
    controller = undefined
    buffers.begin(message.spares)
    const startedAt = now()
    const cpuMs = message.observed ? threadCpuMs() : undefined
    const spans: Array<EndedSpan> = []
    const outcomes = await runAll(message, message.traced ? spans : undefined)
    const measured = {
      startedAt,
      returnedAt: now(),
      cpuMs: cpuMs === undefined ? undefined : threadCpuMs()! - cpuMs,
      resultBytes: message.observed ? outcomes.map(bytesIn) : []
    }
    running = -1
    const moving = buffers.end(outcomes)
    reply({ _tag: "Settled", id: message.id, outcomes, buffers: port.moves ? moving : [], measured, spans })
  }

  const setUp = async (address: unknown) => {
    if (address === undefined) return port.post([1, { _tag: "Ready" }], [])
    const outcomes = await runAll({ id: 0, job: address, inputs: [undefined] })
    buffers.end([])
    const [outcome] = outcomes
    if (outcome?._tag === "Succeeded") return port.post([1, { _tag: "Ready" }], [])
    port.post([1, { _tag: "SetupFailed", reason: `setup ${failureOf(outcome!)}` }], [])
  }

  const reply = (message: Settled) => {
    try {
      port.post([1, message], [...message.buffers])
    } catch {
      port.post([1, { ...message, outcomes: message.outcomes.map(cloned), buffers: [] }], [])
    }
  }

  port.post([0], [])

  return (envelope) => {
    if (envelope[0] === 1) return port.close()
    const message = envelope[1]
    switch (message._tag) {
      case "Init":
        if (workerId !== 0) return
        workerId = message.workerId
        cells = message.cells
        void setUp(message.setup)
        return
      case "Run":
        void run(message)
        return
      case "Cancel":
        cancelled = message.id
        if (running === message.id) controller?.abort()
    }
  }
}

const runItem = async (
  job: Job.Any,
  input: unknown,
  context: Job.Context,
  spans: Array<EndedSpan> | undefined
): Promise<Outcome> => {
  try {
    const returned = job.run(input as never, context)
    if (isEffect(returned)) return await (await import("./effectJob.ts")).run(returned, context.signal, spans)
    return { _tag: "Succeeded", value: isThenable(returned) ? await returned : returned }
  } catch (thrown) {
    return { _tag: "Threw", thrown: describe(thrown) }
  }
}

/** `outcome` if it can be cloned, or else why it cannot. */
const cloned = (outcome: Outcome): Outcome => {
  try {
    return structuredClone(outcome)
  } catch (cause) {
    return { _tag: "NotCloned", reason: describe(cause).message }
  }
}

/** Unknown on a Node before 23.9. */
const threadCpuMs = (): number | undefined => {
  const usage = process.threadCpuUsage?.()
  return usage === undefined ? undefined : (usage.system + usage.user) / 1000
}

const failureOf = (outcome: Exclude<Outcome, { readonly _tag: "Succeeded" }>): string => {
  switch (outcome._tag) {
    case "Threw":
      return `threw ${outcome.thrown.stack}`
    case "Failed":
      return `failed: ${describe(decodeError(outcome.error)).message}`
    default:
      return outcome.reason
  }
}

const isThenable = (u: unknown): u is PromiseLike<unknown> =>
  typeof u === "object" && u !== null && "then" in u && typeof u.then === "function"

const isEffect = (u: unknown): u is Effect<unknown, unknown> =>
  typeof u === "object" && u !== null && "~effect/Effect" in u
