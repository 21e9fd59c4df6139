/**
 * The worker's side: takes runs from its executor, one at a time, and replies with their outcomes.
 *
 * The same code serves a thread, a child process and the calling thread; they differ in their port and in how they find
 * a job. Loads Effect only for a job that returns an Effect.
 */
import type { Effect } from "effect/Effect"
import { setImmediate } from "node:timers"
import type * as Job from "../Job.ts"
import { Buffers, bytesIn, haveCommonObject } from "./buffers.ts"
import { BusyPoll } from "./BusyPoll.ts"
import { now, setClock } from "./clock.ts"
import { decodeError, describe, reasonFor } from "./errorCodec.ts"
import type { AsSent, EndedSpan, FromWorker, Outcome, Settled, ToWorker } from "./protocol.ts"
import { Slots } from "./Slots.ts"

/** One end of the channel between an executor and a worker. */
export interface Port {
  readonly post: (message: readonly [0] | readonly [1, FromWorker], transfer: ReadonlyArray<ArrayBuffer>) => void
  readonly close: () => void
  /** Whether the executor is in another process: no buffer moves there, and it cannot see what was begun. */
  readonly isElsewhere?: boolean
  /** Tells that an item begins; false where no item is to begin any more. For a port that shares no memory. */
  readonly claim?: (item: number) => boolean
  /** Has it called when a job exits, where what is posted then still arrives. */
  readonly onExit?: (listener: () => void) => void
}

/** What the executor sends: a message, or that it wants no more. */
export type Inbound = readonly [0, ToWorker] | readonly [1]

/** How a worker gets hold of the job that a run names; throws or rejects, saying why, where there is none. */
export type FindJob = (address: unknown) => Job.Any | Promise<Job.Any>

interface Message extends Extract<ToWorker, { readonly _tag: "Run" }> {
  /** Whether inputs have an object in common; no job is to see what another did to it. */
  readonly haveCommonObject: boolean
}

/** A message whose items are being run. */
interface Run extends Message {
  limited: boolean
  found: Job.Any | Promise<Job.Any> | undefined
  /** Outcomes that the executor does not know of yet, from item `first` on. */
  outcomes: Array<Outcome>
  first: number
  startedAt: number
  readonly spans: Array<EndedSpan>
  cpuMs: number | undefined
}

/** How long an outcome waits for others of its caller. */
const togetherMs = 1

/** Makes a worker that replies through `port`; returns what handles the executor's messages. */
export const make = (port: Port, find: FindJob): (message: Inbound) => void => {
  const buffers = new Buffers()
  const inbox: Array<Message> = []
  let workerId = 0
  let slots: Slots | undefined
  let isWorking = false
  let lastItem = 0
  let running = 0
  /** Its outcomes wait for others. */
  let gathering: Run | undefined
  /** When the item before ended, or else the message came: an item starts when the one before has ended. */
  let at = 0
  let controller: AbortController | undefined
  let cancelled = { first: 0, last: 0 }
  /** Replies that wait for the next turn. */
  const late: Array<Settled> = []
  let spins = false
  const busyPoll = new BusyPoll(() => spins, () => look())
  /** The job of the latest message. */
  let job: unknown

  const isCancelled = (item: number) =>
    (item >= cancelled.first && item <= cancelled.last) || (slots !== undefined && slots.isCancelled(item))

  const allocate: Job.Context["allocate"] = (constructor, length) => buffers.allocate(constructor, length, true)
  const allocateUnsafe: Job.Context["allocate"] = (constructor, length) => buffers.allocate(constructor, length, false)
  const transfer: Job.Context["transfer"] = (value, moving) => {
    buffers.move(moving)
    return value
  }

  /** Made anew for each item, so it makes nothing that its job does not ask for. */
  class Context implements Job.Context {
    readonly #item: number
    #controller: AbortController | undefined
    #cancelled: (() => boolean) | undefined

    constructor(item: number) {
      this.#item = item
    }

    get workerId() {
      return workerId
    }

    get signal() {
      this.#controller ??= new AbortController()
      if (running === this.#item) controller = this.#controller
      if (isCancelled(this.#item)) this.#controller.abort()
      return this.#controller.signal
    }

    get cancelled() {
      return this.#cancelled ??= () => isCancelled(this.#item)
    }

    get allocate() {
      return allocate
    }

    get allocateUnsafe() {
      return allocateUnsafe
    }

    get transfer() {
      return transfer
    }
  }

  /** Runs what has come. A job that awaits something is waited for, and then it goes on. */
  const work = () => {
    isWorking = true
    for (let message = inbox.shift(); message !== undefined; message = inbox.shift()) {
      at = now()
      const cpuMs = message.observed ? threadCpuMs() : undefined
      // Ahead of what the job itself puts off, which may take for ever.
      if (port.isElsewhere === true) setImmediate(replyLate)
      buffers.begin(message.spares)
      const awaited = runFrom(message.id, {
        ...message,
        found: undefined,
        outcomes: [],
        first: message.id,
        startedAt: at,
        spans: [],
        cpuMs
      })
      if (awaited !== undefined) return void awaited.then(work)
    }
    isWorking = false
  }

  const runFrom = (item: number, run: Run): Promise<void> | undefined => {
    for (; item < endOf(run); item++) {
      if (slots === undefined ? isCancelled(item) || port.claim?.(item) === false : !slots.claim(item, at)) continue
      running = item
      controller = undefined
      // Its executor has waited for it in vain, and wants to see it claimed.
      const outcome = slots?.isCancelled(item) === true ? succeeded(undefined) : start(run, item)
      if (isThenable(outcome)) {
        if (slots !== undefined) flush(run)
        return outcome.then((outcome) => {
          settle(run, item, outcome)
          return runFrom(endsWith(run, outcome) ? endOf(run) : item + 1, run)
        })
      }
      settle(run, item, outcome)
      if (endsWith(run, outcome)) break
    }
    if (run.outcomes.length > 0 || slots === undefined) flush(run)
    buffers.end()
    return undefined
  }

  const start = (run: Run, item: number): Outcome | Promise<Outcome> => {
    const call = (job: Job.Any) => {
      if (run.limited) port.post([1, { _tag: "Begun", id: item }], [])
      run.limited = false
      const sent = run.inputs[item - run.id]
      const input = run.haveCommonObject ? structuredClone(sent) : sent
      const context = new Context(item)
      const spans = run.traced ? run.spans : undefined
      return run.asSent === undefined
        ? callJob(job, input, context, spans)
        : callAsSent(job, input, context, spans, run.asSent)
    }
    // Its caller may have gone while its module was loading.
    const callLate = (job: Job.Any) => isCancelled(item) ? succeeded(undefined) : call(job)
    try {
      run.found ??= find(run.job)
      return isThenable(run.found) ? run.found.then(callLate, notFound) : call(run.found)
    } catch (cause) {
      return notFound(cause)
    }
  }

  const callAsSent = async (
    job: Job.Any,
    sent: unknown,
    context: Job.Context,
    spans: Array<EndedSpan> | undefined,
    { file }: AsSent
  ): Promise<Outcome> => {
    const { runAsSent } = await import("./cluster/asSent.ts")
    const outcome = await runAsSent(job, sent, (input) => callJob(job, input, context, spans), file)
    if (outcome._tag === "Stored") buffers.keep()
    return outcome
  }

  const settle = (run: Run, item: number, outcome: Outcome) => {
    running = 0
    const startedAt = at
    at = now()
    const mayPut = slots !== undefined && run.outcomes.length === 0 && !run.observed && !run.traced && !buffers.mustMove
    const isAlone = !run.together || run.inputs.length === 1
    if (mayPut && slots!.put(item, outcome, at, isAlone && !buffers.mayMove)) {
      buffers.take([])
      if (slots!.mustTell()) port.post([1, { _tag: "Progress" }], [])
      return
    }
    if (item !== run.first + run.outcomes.length) flush(run)
    if (run.outcomes.length === 0) {
      run.first = item
      run.startedAt = startedAt
    }
    run.outcomes.push(outcome)
    if (slots === undefined) return
    if ((run.together || run.observed) && at - run.startedAt <= togetherMs) return void (gathering = run)
    flush(run)
    // To reply is not the next item's.
    at = now()
  }

  const flush = (run: Run) => {
    const { first: id, observed, outcomes, spans, startedAt, traced } = run
    gathering = undefined
    if (outcomes.length === 0 && slots !== undefined) return
    const cpuMs = observed ? threadCpuMs() : undefined
    const cost = observed
      ? { cpuMs: cpuMs === undefined ? undefined : cpuMs - run.cpuMs!, resultBytes: outcomes.map(resultBytesOf) }
      : undefined
    run.cpuMs = cpuMs
    const moving = buffers.take(outcomes)
    const haveCommon = outcomes.length > 1 && haveCommonObject(outcomes.map(valueOf))
    run.outcomes = []
    const message: Settled = {
      _tag: "Settled",
      id,
      outcomes: haveCommon ? outcomes.map(cloned) : outcomes,
      buffers: port.isElsewhere === true ? [] : moving,
      startedAt,
      returnedAt: at,
      cost,
      // Of the same array that an item which has begun adds to.
      spans: traced ? spans.splice(0) : undefined
    }
    if (port.isElsewhere !== true) return reply(message)
    // When its job has had this turn of the event loop: the next would be blamed for what this one has left behind.
    late.push(message)
    setImmediate(replyLate)
  }

  const replyLate = () => late.splice(0).forEach(reply)

  const reply = (message: Settled) => {
    try {
      port.post([1, message], message.buffers)
    } catch {
      replyCloned({ ...message, outcomes: message.outcomes.map(cloned), buffers: [] })
    }
    for (const n of message.outcomes.keys()) slots?.reply(message.id + n)
  }

  /** A port may not take what can be cloned otherwise. */
  const replyCloned = (message: Settled) => {
    try {
      port.post([1, message], [])
    } catch (cause) {
      const outcome: Outcome = { _tag: "NotCloned", side: "result", reason: describe(cause).message }
      port.post([1, { ...message, outcomes: message.outcomes.map(() => outcome), spans: undefined }], [])
    }
  }

  const setUp = async (address: unknown) => {
    if (address !== undefined) {
      const outcome = await setupOutcome(address)
      buffers.take([])
      buffers.end()
      if (!hasSucceeded(outcome)) {
        return port.post([1, { _tag: "SetupFailed", reason: `setup ${failureOf(outcome)}` }], [])
      }
    }
    port.post([1, { _tag: "Ready" }], [])
  }

  const setupOutcome = async (address: unknown): Promise<Outcome> => {
    try {
      return await callJob(await find(address), undefined, new Context(-1), undefined)
    } catch (cause) {
      return notFound(cause)
    }
  }

  /** Takes the inputs that are in the slots; unless it looks again by itself, it is woken for the next. */
  const look = () => {
    if (!busyPoll.isOn) slots?.sleep()
    if (!takeGiven()) return
    busyPoll.came()
    if (!isWorking) work()
    busyPoll.expect()
  }

  const takeGiven = (): boolean => {
    const id = lastItem + 1
    const inputs: Array<unknown> = []
    while (slots?.hasInput(lastItem + 1) === true) inputs.push(slots.takeInput(++lastItem))
    if (inputs.length > 0) inbox.push({ ...given, id, job, inputs })
    return inputs.length > 0
  }

  const receive = (envelope: Inbound) => {
    if (envelope[0] === 1) return port.close()
    const message = envelope[1]
    switch (message._tag) {
      case "Init":
        if (workerId !== 0) return
        workerId = message.workerId
        if (message.slots !== undefined) slots = new Slots(message.slots)
        spins = message.spins
        if (message.clockOffset !== undefined) setClock(message.clockOffset)
        void setUp(message.setup)
        return
      case "Run":
        // What is in the slots before it.
        takeGiven()
        if (message.id <= lastItem) return
        lastItem = message.id + message.inputs.length - 1
        job = message.job
        inbox.push({ ...message, haveCommonObject: message.inputs.length > 1 && haveCommonObject(message.inputs) })
        if (!isWorking) work()
        return
      case "Cancel":
        cancelled = message
        if (running >= message.first && running <= message.last) controller?.abort()
    }
  }

  // What has ended would be run again.
  port.onExit?.(() => gathering && flush(gathering))
  port.post([0], [])

  return (envelope) => {
    busyPoll.came()
    receive(envelope)
    busyPoll.expect()
    look()
  }
}

/** What comes through the slots. */
const given = {
  _tag: "Run",
  together: false,
  untilFailure: false,
  spares: [],
  observed: false,
  traced: false,
  limited: false,
  asSent: undefined,
  haveCommonObject: false
} as const

const endOf = ({ id, inputs }: Run) => id + inputs.length

/** Whether nothing of it is run after that. */
const endsWith = ({ untilFailure }: Run, outcome: Outcome) => untilFailure && !hasSucceeded(outcome)

type Success = Extract<Outcome, { readonly _tag: "Succeeded" | "Stored" }>

const hasSucceeded = (outcome: Outcome): outcome is Success => outcome._tag === "Succeeded" || outcome._tag === "Stored"

const callJob = (
  job: Job.Any,
  input: unknown,
  context: Job.Context,
  spans: Array<EndedSpan> | undefined
): Outcome | Promise<Outcome> => {
  try {
    const returned = job.run(input as never, context)
    if (isEffect(returned)) return runEffect(returned, context.signal, spans)
    return isThenable(returned) ? awaited(returned) : succeeded(returned)
  } catch (thrown) {
    return threw(thrown)
  }
}

const runEffect = async (
  effect: Effect<unknown, unknown>,
  signal: AbortSignal,
  spans: Array<EndedSpan> | undefined
): Promise<Outcome> => {
  try {
    return await (await import("./effectJob.ts")).run(effect, signal, spans)
  } catch (thrown) {
    return threw(thrown)
  }
}

/** An Effect that nobody runs is no result. */
const awaited = async (returned: Promise<unknown>): Promise<Outcome> => {
  try {
    const value = await returned
    return isEffect(value)
      ? threw(new TypeError("A job must return an Effect itself, not a Promise of it"))
      : succeeded(value)
  } catch (thrown) {
    return threw(thrown)
  }
}

const succeeded = (value: unknown): Outcome => ({ _tag: "Succeeded", value })

const threw = (thrown: unknown): Outcome => ({ _tag: "Threw", thrown: describe(thrown) })

const notFound = (cause: unknown): Outcome => ({ _tag: "NotFound", reason: describe(cause).stack })

const resultBytesOf = (outcome: Outcome): number => outcome._tag === "Stored" ? outcome.resultBytes : bytesIn(outcome)

const valueOf = (outcome: Outcome): unknown => outcome._tag === "Succeeded" ? outcome.value : undefined

/** `outcome` if it can be cloned, or else why it cannot. */
const cloned = (outcome: Outcome): Outcome => {
  try {
    return structuredClone(outcome)
  } catch (cause) {
    return { _tag: "NotCloned", side: "result", reason: describe(cause).message }
  }
}

/** Unknown on a Node before 23.9. */
const threadCpuMs = (): number | undefined => {
  // Has Linux bring the thread's figures up to date, which it otherwise does only now and then.
  process.cpuUsage()
  const usage = process.threadCpuUsage?.()
  return usage === undefined ? undefined : (usage.system + usage.user) / 1000
}

const failureOf = (outcome: Exclude<Outcome, Success>): string => {
  switch (outcome._tag) {
    case "Threw":
      return `threw ${outcome.thrown.stack}`
    case "Failed":
      return `failed: ${reasonFor(decodeError(outcome.error))}`
    default:
      return outcome.reason
  }
}

const isThenable = <A>(u: A | Promise<A>): u is Promise<A> =>
  typeof u === "object" && u !== null && "then" in u && typeof u.then === "function"

const isEffect = (u: unknown): u is Effect<unknown, unknown> =>
  typeof u === "object" && u !== null && "~effect/Effect" in u
