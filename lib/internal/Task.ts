/**
 * A job with the inputs to run it on, from its acceptance until each item has settled.
 *
 * An item is pending, sent to a worker, or settled; the pool moves the task about, the task keeps the items.
 *
 * Its caller's fiber waits in an `Effect.callback`, and is told by its `resume` what to go on with. One of `execute` waits
 * once, until the task has finished. One of `submit` waits twice: until a worker is to have the task there is nothing to
 * clean up, so that what waits takes little; then `onTaken` has it wait anew, where an interruption cancels the task, and
 * `resumeWith` gives the new `resume`. A task that has finished meanwhile is told there, for the old one has been used.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { JobEvent, Settled } from "../Executor.ts"
import { CloneError, type DeadlineExceeded, JobNotFound, JobThrew, WorkerDied } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { now } from "./clock.ts"
import { decodeError, withoutFrames } from "./errorCodec.ts"
import type { Death } from "./Fleet.ts"
import { handOver } from "./handOver.ts"
import { endOf, type WithoutId } from "./jobEvents.ts"
import type { Pace } from "./Pace.ts"
import type { AsSent, EndedSpan, Outcome, Unread } from "./protocol.ts"
import { StoredResult } from "./StoredResult.ts"
import type { Waiting } from "./TaskQueue.ts"

export interface Item {
  readonly task: Task
  readonly index: number
  readonly input: unknown
  /** How many workers died of it. */
  deaths: number
  /** Whether one died that had it alone, when it was suspect already, and had not begun it. */
  isAccused: boolean
  /** Its number in the line of the worker that has it. */
  number: number
  /** How long it will run, and keep its worker busy, as far as one can tell. */
  runMs: number
  busyMs: number
  /** How long sending it took, and when that was done. */
  sendMs: number
  sentAt: number
}

/** Who looks at what becomes of a task. */
export interface Caller {
  /** Told of each item as it settles. */
  readonly onSettled: (exit: Exit.Exit<unknown, unknown>) => void
  readonly observer: ((event: JobEvent) => void) | undefined
  /** Tells the caller's tracer of the spans of the job, where there is one. */
  readonly trace: ((spans: ReadonlyArray<EndedSpan>) => void) | undefined
  /** Where inputs and results are as a cluster sends them. */
  readonly asSent: AsSent | undefined
}

export interface Options {
  readonly deadline: Deadline | undefined
  /** How often an item is run again whose worker died. */
  readonly retryWorkerDeath: number
  readonly priority: number
  /** Buffers that move with the inputs, which can then be sent only once. */
  readonly transfer: ReadonlyArray<ArrayBuffer>
  /** Whether no two workers may have items of it at the same time. */
  readonly oneByOne: boolean
}

/** How what became of a task gets to its caller. */
export interface Recipient {
  readonly receive: (settled: Settled<unknown, unknown>) => Effect.Effect<unknown, unknown>
  /** What its caller's fiber goes on with when a worker is to have the task, where it has only waited until then. */
  readonly onTaken?: (task: Task) => Effect.Effect<unknown, unknown>
  /** Told of the first item that fails, where the others are to be stopped then. */
  readonly onFailure?: (task: Task) => void
}

/** What became of a task so far. */
interface Progress {
  readonly exits: Array<Exit.Exit<unknown, unknown>>
  runMs: number
  giveBack: () => void
  hasFailed: boolean
}

export type Deadline = Readonly<Record<DeadlineExceeded["clock"], Duration.Duration | undefined>>

export class Task implements Waiting<Task> {
  /** The number of the first item; the others follow. */
  readonly id: number
  readonly job: Job.Any
  readonly pace: Pace
  readonly priority: number
  readonly acceptedAt = now()
  /** How many items have not settled. */
  #unsettled: number
  // The queue's.
  isQueued = false
  previous: Task | undefined = undefined
  next: Task | undefined = undefined
  hasStarted = false
  hasFinished = false
  #isSuspect = false
  /** Called when no worker has it any more. */
  onReleased: (() => void) | undefined = undefined
  #onFinish: Array<() => void> | undefined = undefined
  #buffers: Array<ArrayBuffer> | undefined = undefined
  readonly #inputs: ReadonlyArray<unknown>
  /** How many inputs have been made items: no sooner than they are taken, so that what waits takes little. */
  #made = 0
  /** Items that were taken and are pending again, the next one last. */
  #returned: Array<Item> | undefined = undefined
  readonly #options: Options
  readonly #caller: Caller
  readonly #recipient: Recipient
  #resume: (effect: Effect.Effect<unknown, unknown>) => void
  /** What became of it so far; made when the first item settles, so that a task that waits takes little. */
  #settled: Progress | undefined = undefined
  #verdict: Exit.Exit<never, unknown> | undefined = undefined

  constructor(
    id: number,
    job: Job.Any,
    pace: Pace,
    inputs: ReadonlyArray<unknown>,
    options: Options,
    caller: Caller,
    recipient: Recipient,
    resume: (effect: Effect.Effect<unknown, unknown>) => void
  ) {
    this.id = id
    this.job = job
    this.pace = pace
    this.priority = options.priority
    this.#options = options
    this.#caller = caller
    this.#recipient = recipient
    this.#resume = resume
    this.#unsettled = inputs.length
    this.#inputs = inputs
    if (!this.isObserved) return
    for (const index of inputs.keys()) this.#tell(index, { _tag: "Submitted", job: job.name, at: this.acceptedAt })
  }

  get deadline(): Deadline | undefined {
    return this.#options.deadline
  }

  get transfer(): ReadonlyArray<ArrayBuffer> {
    return this.#options.transfer
  }

  get isObserved(): boolean {
    return this.#caller.observer !== undefined
  }

  get isTraced(): boolean {
    return this.#caller.trace !== undefined
  }

  get asSent(): AsSent | undefined {
    return this.#caller.asSent
  }

  /** Whether it matters to nobody when its items start, so that they can be sent before a worker is free. */
  get canWaitAnywhere(): boolean {
    return !this.isObserved && this.deadline === undefined && this.transfer.length === 0 && !this.#isSuspect &&
      !this.hasFailed && this.asSent === undefined
  }

  /** How many items no worker has. */
  get pending(): number {
    return this.#inputs.length - this.#made + (this.#returned?.length ?? 0)
  }

  /** Whether a worker may be given items of it now. */
  get hasTurn(): boolean {
    return this.pending > 0 && !(this.#options.oneByOne && this.isAway)
  }

  /** Whether a worker has items of it. */
  get isAway(): boolean {
    return this.#unsettled > this.pending
  }

  /** Whether it has a single item, which no other has its message with. */
  get isSingle(): boolean {
    return this.#inputs.length === 1
  }

  get isSettled(): boolean {
    return this.#unsettled === 0
  }

  get isCancelled(): boolean {
    return this.#verdict !== undefined
  }

  /** Whether an item of a message may be at fault, so that each has to go alone. */
  get isSuspect(): boolean {
    return this.#isSuspect
  }

  /** Whether it ends with its first failure. */
  get endsAtFailure(): boolean {
    return this.#recipient.onFailure !== undefined
  }

  /** Whether an item has failed with which it ends. */
  get hasFailed(): boolean {
    return this.#settled?.hasFailed === true
  }

  /** Nobody wants its results any more: whatever has not settled will, as `verdict`. */
  cancel(verdict: Exit.Exit<never, unknown>): void {
    this.#verdict ??= verdict
  }

  /** Takes the next items for a message of at most `most`. */
  take(most: number): Array<Item> {
    const { onTaken } = this.#recipient
    if (onTaken !== undefined && this.#made === 0) handOver(this.#resume, onTaken(this))
    const items: Array<Item> = []
    const count = Math.min(this.pending, this.#isSuspect ? 1 : most)
    while (items.length < count) items.push(this.#takeNext())
    return items
  }

  #takeNext(): Item {
    const returned = this.#returned?.pop()
    if (returned !== undefined) return returned
    const index = this.#made++
    return {
      task: this,
      index,
      input: this.#inputs[index],
      deaths: 0,
      isAccused: false,
      number: 0,
      runMs: 0,
      busyMs: 0,
      sendMs: 0,
      sentAt: 0
    }
  }

  /** An item that was taken has to be taken again. */
  putBack(item: Item): void {
    const returned = this.#returned ??= []
    let at = returned.length
    while (at > 0 && returned[at - 1]!.index < item.index) at--
    returned.splice(at, 0, item)
  }

  /** A worker has the items, which were sent from `at` on: by now it may have run them. */
  started(items: ReadonlyArray<Item>, workerId: number, at: number): void {
    this.hasStarted = true
    if (!this.isObserved) return
    for (const { index } of items) this.#tell(index, { _tag: "Started", workerId, at })
  }

  /** One of the items that were together in a message is at fault. */
  suspect(): void {
    this.#isSuspect = true
  }

  /** The item cannot be cloned. */
  refused(item: Item, reason: string): void {
    this.#isSuspect = false
    this.#settle(item, failed(() => new CloneError({ job: this.job.name, side: "input", reason })))
  }

  /** The worker that has `item` replied, or put the result down. */
  replied(item: Item, outcome: Outcome, runMs: number, measured: Measured): void {
    const exit = this.#toExit(outcome)
    // What succeeded before the failure may be heard of after it.
    const counts = this.hasFailed && Exit.isSuccess(exit)
    this.#settle(item, counts ? exit : this.#verdict ?? exit, measured).runMs += (runMs + item.sendMs) /
      this.#inputs.length
  }

  traced(spans: ReadonlyArray<EndedSpan>): void {
    if (this.isTraced) handOver(this.#caller.trace!, spans)
  }

  /** Keeps the buffers that came with results until its caller has done with them. */
  keep(buffers: ReadonlyArray<ArrayBuffer>): void {
    this.#buffers ??= []
    for (const buffer of buffers) this.#buffers.push(buffer)
  }

  /** The worker that ran `item` died, perhaps of what was `unread` of it. Returns whether it is to be run again. */
  lost(item: Item, death: Death, unread: Unread | undefined): boolean {
    if (unread === undefined && !this.isCancelled && ++item.deaths <= this.#options.retryWorkerDeath) {
      this.putBack(item)
      return true
    }
    const job = this.job.name
    const error = () =>
      unread === undefined
        ? new WorkerDied({ ...death, job, attempt: item.deaths })
        : new CloneError({ job, side: unread.side, reason: unread.reason })
    this.#settle(item, this.#verdict ?? failed(error), { workerId: death.workerId })
    this.#isSuspect = false
    return false
  }

  /** From now on its end is told to `resume`. */
  resumeWith(resume: (effect: Effect.Effect<unknown, unknown>) => void): void {
    this.#resume = resume
    if (this.hasFinished) this.#tellEnd()
  }

  whenFinished(tell: () => void): void {
    this.#onFinish ??= []
    this.#onFinish.push(tell)
  }

  /** Settles what no worker has. All of it is taken first, for an observer that hears of one may interrupt the task. */
  end(exit: Exit.Exit<never, unknown> = this.#verdict ?? Exit.interrupt()): void {
    const items: Array<Item> = []
    while (this.pending > 0) items.push(this.#takeNext())
    for (const item of items) this.#settle(item, exit)
  }

  /** No worker has it any more. */
  release(): void {
    this.onReleased?.()
    this.onReleased = undefined
  }

  /** Tells the caller, and whoever waits for its end; `giveBack` takes the buffers that the caller has done with. */
  finish(giveBack: (buffers: ReadonlyArray<ArrayBuffer>) => void): void {
    this.hasFinished = true
    this.#onFinish?.forEach((tell) => tell())
    const buffers = this.#buffers
    if (buffers !== undefined) this.#settled!.giveBack = () => giveBack(buffers)
    this.#tellEnd()
  }

  #tellEnd() {
    handOver(this.#resume, this.#recipient.receive(this.#settled!))
  }

  #settle({ index }: Item, exit: Exit.Exit<unknown, unknown>, measured?: Partial<Measured>) {
    const settled = this.#settled ??= { exits: [], runMs: 0, giveBack: nothingToGiveBack, hasFailed: false }
    this.#unsettled--
    settled.exits[index] = exit
    this.#caller.onSettled(exit)
    if (this.endsAtFailure && !settled.hasFailed && !this.isCancelled && Exit.isFailure(exit)) {
      settled.hasFailed = true
      this.#recipient.onFailure!(this)
    }
    if (!this.isObserved) return settled
    this.#tell(index, { _tag: "Settled", ...endOf(exit), ...unmeasured(), ...measured })
    return settled
  }

  #tell(index: number, event: WithoutId<JobEvent>) {
    if (this.isObserved) handOver(this.#caller.observer!, { ...event, id: this.id + index })
  }

  #toExit(outcome: Outcome): Exit.Exit<unknown, unknown> {
    const job = this.job.name
    switch (outcome._tag) {
      case "Succeeded":
        return Exit.succeed(outcome.value)
      case "Stored":
        return Exit.succeed(new StoredResult(outcome))
      case "Failed":
        return Exit.fail(decodeError(outcome.error))
      case "Threw":
        return failed(() => new JobThrew({ job, ...outcome.thrown }))
      case "NotFound":
        return failed(() => new JobNotFound({ job, module: this.job.module, reason: outcome.reason }))
      case "NotCloned":
        return failed(() => new CloneError({ job, side: outcome.side, reason: outcome.reason }))
    }
  }
}

const failed = <E>(makeError: () => E): Exit.Exit<never, E> => Exit.fail(withoutFrames(makeError))

export const nothingToGiveBack = () => {}

/** What is known of a run that ended. */
export type Measured = Omit<Extract<JobEvent, { readonly _tag: "Settled" }>, "_tag" | "id" | "status" | "error">

const unmeasured = (): Measured => ({
  workerId: undefined,
  startedAt: undefined,
  at: now(),
  cpuMs: undefined,
  resultBytes: 0
})
