/**
 * A job with the inputs to run it on, from its acceptance until each item has settled.
 *
 * An item is pending, sent to a worker, or settled; the pool moves the task about, the task keeps the items.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { JobEvent, Settled } from "../Executor.ts"
import { CloneError, type DeadlineExceeded, JobNotFound, JobThrew, WorkerDied } from "../ExecutorError.ts"
import type * as Job from "../Job.ts"
import { decodeError, describe } from "./errorCodec.ts"
import type { Death, Worker } from "./Fleet.ts"
import { type Measured, now, type Outcome } from "./protocol.ts"

interface Item {
  readonly index: number
  readonly input: unknown
  attempts: number
}

export interface Options {
  /** The number of the first item; the others follow. */
  readonly id: number
  readonly job: Job.Any
  readonly inputs: ReadonlyArray<unknown>
  readonly priority: number
  /** How often an item is run again whose worker died. */
  readonly retryWorkerDeath: number
  readonly deadline: Readonly<Record<DeadlineExceeded["clock"], Duration.Duration | undefined>>
  readonly observer: ((event: JobEvent) => void) | undefined
  /** Told of each item as it settles. */
  readonly onSettled: (succeeded: boolean) => void
  readonly resume: (settled: Effect.Effect<Settled<unknown, unknown>>) => void
}

export class Task {
  readonly id: number
  readonly job: Job.Any
  readonly priority: number
  readonly deadline: Options["deadline"]
  readonly acceptedAt = now()
  previous: Task | undefined
  next: Task | undefined
  /** Who has it, under which message. */
  worker: Worker | undefined
  messageId = -1
  /** Called when no worker has it any more. */
  onReleased: () => void = () => {}
  /** Called when it has settled. */
  onFinish: Array<() => void> = []
  /** The buffers that came with the results. */
  buffers: Array<ArrayBuffer> = []
  readonly #options: Options
  readonly #exits: Array<Exit.Exit<unknown, unknown>> = []
  #pending: Array<Item>
  #sent: Array<Item> = []
  #oneByOne = false
  #runMs = 0
  #verdict: Exit.Exit<never, unknown> | undefined

  constructor(options: Options) {
    this.id = options.id
    this.job = options.job
    this.priority = options.priority
    this.deadline = options.deadline
    this.#options = options
    this.#pending = options.inputs.map((input, index) => ({ index, input, attempts: 0 }))
    for (const item of this.#pending) this.#tell(item, { _tag: "Submitted", job: this.job.name, at: this.acceptedAt })
  }

  get isObserved(): boolean {
    return this.#options.observer !== undefined
  }

  get pending(): number {
    return this.#pending.length
  }

  get isSettled(): boolean {
    return this.#pending.length === 0 && this.#sent.length === 0
  }

  get hasStarted(): boolean {
    return this.messageId !== -1
  }

  get isCancelled(): boolean {
    return this.#verdict !== undefined
  }

  /** Nobody wants its results any more: whatever has not settled will, as `verdict`. */
  cancel(verdict: Exit.Exit<never, unknown>): void {
    this.#verdict ??= verdict
  }

  /** The inputs of the next message. */
  send(): Array<unknown> {
    this.#sent = this.#pending.splice(0, this.#oneByOne ? 1 : this.#pending.length)
    return this.#sent.map((item) => item.input)
  }

  /** The message went out. */
  started(worker: Worker, messageId: number): void {
    this.worker = worker
    this.messageId = messageId
    for (const item of this.#sent) {
      item.attempts++
      this.#tell(item, { _tag: "Started", workerId: worker.workerId, at: now() })
    }
  }

  /** The message could not go out, for an input cannot be cloned. */
  refused(reason: string): void {
    if (this.#sent.length > 1) return this.#retryOneByOne()
    this.#settle(Exit.fail(new CloneError({ job: this.job.name, side: "input", reason })))
  }

  /** The worker replied. */
  replied(workerId: number, outcomes: ReadonlyArray<Outcome>, measured: Measured): void {
    this.#release()
    const items = outcomes.length
    this.#runMs = (measured.returnedAt - measured.startedAt) / items
    for (const [item, outcome] of outcomes.entries()) {
      this.#settle(this.#verdict ?? this.#toExit(outcome), {
        workerId,
        startedAt: measured.startedAt,
        at: measured.returnedAt,
        cpuMs: measured.cpuMs === undefined ? undefined : measured.cpuMs / items,
        resultBytes: measured.resultBytes[item] ?? 0
      })
    }
  }

  /** The worker is gone: the item that it was `at` is lost with it, the others can be run again. */
  lost(death: Death, at: number | undefined): void {
    this.#release()
    if (this.isCancelled) return
    const culprit = this.#sent.length === 1 ? 0 : at
    if (culprit === undefined) return this.#retryOneByOne()
    const item = this.#sent[culprit]!
    for (const untried of this.#sent.slice(culprit + 1)) untried.attempts--
    if (item.attempts <= this.#options.retryWorkerDeath) return void this.#pending.unshift(...this.#sent.splice(0))
    this.#pending.unshift(...this.#sent.toSpliced(culprit, 1))
    this.#sent = [item]
    const error = new WorkerDied({ ...death, job: this.job.name, attempt: item.attempts })
    this.#settle(Exit.fail(error), { ...unmeasured(), workerId: death.workerId })
  }

  /** Settles whatever has not settled. */
  end(exit: Exit.Exit<never, unknown> = this.#verdict ?? Exit.interrupt()): void {
    this.#sent.push(...this.#pending.splice(0))
    while (this.#sent.length > 0) this.#settle(exit)
  }

  /** Tells the caller, and whoever waits for its end. */
  finish(giveBack: () => void): void {
    this.onFinish.splice(0).forEach((tell) => tell())
    this.#options.resume(Effect.succeed({ exits: this.#exits, runMs: this.#runMs, giveBack }))
  }

  #release() {
    this.worker = undefined
    this.onReleased()
  }

  #retryOneByOne() {
    this.#oneByOne = true
    this.#pending.unshift(...this.#sent.splice(0))
  }

  /** Settles the first item that was sent. */
  #settle(exit: Exit.Exit<unknown, unknown>, measured: Ended = unmeasured()) {
    const item = this.#sent.shift()!
    const status = Exit.isSuccess(exit) ? "succeeded" : Exit.hasInterrupts(exit) ? "interrupted" : "failed"
    this.#exits[item.index] = exit
    this.#options.onSettled(status === "succeeded")
    this.#tell(item, { _tag: "Settled", status, error: this.isObserved ? errorIn(exit) : undefined, ...measured })
  }

  #tell(item: Item, event: WithoutId<JobEvent>) {
    this.#options.observer?.({ ...event, id: this.id + item.index })
  }

  #toExit(outcome: Outcome): Exit.Exit<unknown, unknown> {
    const job = this.job.name
    switch (outcome._tag) {
      case "Succeeded":
        return Exit.succeed(outcome.value)
      case "Failed":
        return Exit.fail(decodeError(outcome.error))
      case "Threw":
        return Exit.fail(new JobThrew({ job, ...outcome.thrown }))
      case "NotFound":
        return Exit.fail(new JobNotFound({ job, module: this.job.module, reason: outcome.reason }))
      case "NotCloned":
        return Exit.fail(new CloneError({ job, side: "result", reason: outcome.reason }))
    }
  }
}

type WithoutId<Event> = Event extends unknown ? Omit<Event, "id"> : never

type Ended = Omit<Extract<JobEvent, { readonly _tag: "Settled" }>, "_tag" | "id" | "status" | "error">

const unmeasured = (): Ended => ({
  workerId: undefined,
  startedAt: undefined,
  at: now(),
  cpuMs: undefined,
  resultBytes: 0
})

const errorIn = (exit: Exit.Exit<unknown, unknown>): string | undefined =>
  Exit.isSuccess(exit) || Exit.hasInterrupts(exit) ? undefined : describe(Cause.squash(exit.cause)).message
