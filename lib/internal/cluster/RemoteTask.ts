/** A job that this program has handed to a cluster, from its acceptance until it has settled. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { createHash } from "node:crypto"
import type { JobEvent, Settled } from "../../Executor.ts"
import type * as Job from "../../Job.ts"
import { now } from "../clock.ts"
import { handOver } from "../handOver.ts"
import { endOf, type WithoutId } from "../jobEvents.ts"
import type { Deadline } from "../Task.ts"
import type { Ran, RemoteWorker, RunnerClocks } from "./RunnerClocks.ts"
import * as values from "./values.ts"
import * as wire from "./wire.ts"

/** What a runner measured of a job. */
export interface Measured extends Ran {
  /** Wall time of one item. */
  readonly runMs: number
  /** None where nobody observes them. */
  readonly items: ReadonlyArray<{ readonly cpuMs?: number; readonly resultBytes: number }>
}

export interface Options {
  /** The number of the first item; the others follow. */
  readonly id: number
  /** What the cluster calls it. */
  readonly name: (inputHash: string) => string
  readonly isKeyed: boolean
  readonly job: Job.Any
  readonly inputs: ReadonlyArray<unknown>
  readonly priority: number
  readonly retryWorkerDeath: number
  readonly untilFailure: boolean
  readonly deadline: Deadline | undefined
  readonly observer: ((event: JobEvent) => void) | undefined
  readonly clocks: RunnerClocks
  /** The caller's span, as it is sent. */
  readonly trace: string | undefined
  readonly onSettled: (exit: Exit.Exit<unknown, unknown>) => void
  readonly resume: (settled: Effect.Effect<Settled<unknown, unknown>>) => void
}

export class RemoteTask {
  readonly options: Options
  readonly id: number
  readonly name: string
  readonly job: Job.Any
  readonly priority: number
  readonly acceptedAt = now()
  isQueued = false
  previous: RemoteTask | undefined
  next: RemoteTask | undefined
  /** In this program's own queue, on its way into the cluster, or there. */
  state: "queued" | "leaving" | "submitting" | "sent" | "settled" = "queued"
  startedAt: number | undefined
  /** Who began it last. */
  worker: RemoteWorker | undefined
  /** Whether it may have begun before this program asked for it, for another did. */
  isJoined = false
  /** Whether the cluster had its result before this program asked for it. */
  isTakenOver = false
  /** How it ends once nobody waits for it any more, unless its job had ended before. */
  verdict: Exit.Exit<never, unknown> | undefined
  /** Whether its job is being cancelled, for it has not begun in time. */
  isExpiring = false
  /** Whether its job had not ended when it was cancelled, so that `verdict` stands. */
  isCancelled = false
  /** Called when no runner has it any more. */
  readonly onStopped: Array<() => void> = []
  /** Called when it has settled. */
  readonly onFinish: Array<() => void> = []
  /** The inputs as they are sent, until they are. */
  pieces: ReadonlyArray<Uint8Array>
  readonly inputHash: string
  /** Where its inputs went that are too large for a message. */
  inputReference: string | null = null
  /** When a worker had it that was stopped. */
  #stopped: Ran | undefined
  readonly #exits: Array<Exit.Exit<unknown, unknown>> = []
  /** The items that were sent, in the order in which they were. */
  readonly #sent: Array<number> = []

  constructor(options: Options) {
    this.options = options
    this.id = options.id
    this.job = options.job
    this.priority = options.priority
    options.inputs.forEach((_, index) =>
      this.#tell(index, { _tag: "Submitted", job: this.job.name, at: this.acceptedAt })
    )
    const writer = new wire.Writer()
    let isOver = false
    options.inputs.forEach((input, index) => {
      // It would run for nobody.
      if (isOver) return this.#settle(index, Exit.interrupt(), undefined, 0)
      try {
        values.addInput(writer, this.job, input)
        this.#sent.push(index)
      } catch (cause) {
        this.#settle(index, Exit.fail(values.inputError(this.job, cause)), undefined, 0)
        isOver = options.untilFailure && !options.isKeyed
      }
    })
    this.pieces = this.#piecesOf(writer)
    const hash = createHash("sha256")
    for (const piece of this.pieces) hash.update(piece)
    this.inputHash = hash.digest("hex")
    this.name = options.name(this.inputHash)
  }

  /** None where all of it is too much; then the items have settled. */
  #piecesOf(writer: wire.Writer): ReadonlyArray<Uint8Array> {
    try {
      return writer.pieces()
    } catch (cause) {
      const error = values.inputError(this.job, cause)
      for (const index of this.#sent.splice(0)) this.#settle(index, Exit.fail(error), undefined, 0)
      return []
    }
  }

  get items(): number {
    return this.#sent.length
  }

  get isObserved(): boolean {
    return this.options.observer !== undefined
  }

  started(worker: RemoteWorker): void {
    this.worker = worker
    if (this.startedAt !== undefined) return
    this.startedAt = now()
    const { runner, workerId } = worker
    for (const index of this.#sent) this.#tell(index, { _tag: "Started", workerId, runner, at: this.startedAt })
  }

  /** Its worker is free that was told to stop. */
  wasStopped(ran: Ran): void {
    this.#stopped = ran
    this.onStopped.splice(0).forEach((tell) => tell())
  }

  /** Settles each item as its runner says, unless it was cancelled before; one exit alone is that of all. */
  replied(exits: ReadonlyArray<Exit.Exit<unknown, unknown>>, measured: Measured, giveBack: () => void): void {
    const exitOf = (n: number) => exits.length === 1 ? exits[0]! : exits[n]!
    const verdict = this.isCancelled ? this.verdict : undefined
    this.#sent.forEach((index, n) => this.#settle(index, verdict ?? exitOf(n), measured, n))
    this.#finish(measured.runMs, giveBack)
  }

  /** Settles all items alike. */
  end(exit: Exit.Exit<never, unknown>): void {
    this.#sent.forEach((index, n) => this.#settle(index, this.verdict ?? exit, undefined, n))
    this.#finish(0, () => {})
  }

  #finish(runMs: number, giveBack: () => void) {
    this.state = "settled"
    this.pieces = []
    this.onStopped.splice(0).forEach((tell) => tell())
    this.onFinish.splice(0).forEach((tell) => tell())
    handOver(this.options.resume, Effect.succeed({ exits: this.#exits, runMs, giveBack }))
  }

  #settle(index: number, exit: Exit.Exit<unknown, unknown>, measured: Measured | undefined, n: number) {
    this.#exits[index] = exit
    this.options.onSettled(exit)
    const worker = measured ?? this.#stopped ?? this.worker
    this.#tell(index, {
      _tag: "Settled",
      ...endOf(exit),
      workerId: worker?.workerId,
      ...this.#times(measured ?? this.#stopped),
      cpuMs: measured?.items[n]?.cpuMs,
      resultBytes: measured?.items[n]?.resultBytes ?? 0,
      ...(worker && { runner: worker.runner }),
      ...(measured && { isElsewhere: true }),
      ...(this.isTakenOver && { isTakenOver: true })
    })
  }

  /** By this machine's clock: the runner's may be another. */
  #times(ran: Ran | undefined) {
    if (ran === undefined || this.isTakenOver) return { startedAt: undefined, at: now() }
    const { at, startedAt } = this.options.clocks.read(ran, this.isJoined ? -Infinity : this.acceptedAt, now())
    return { startedAt: Math.max(this.acceptedAt, startedAt), at: Math.max(this.acceptedAt, at) }
  }

  #tell(index: number, event: WithoutId<JobEvent>) {
    if (this.isObserved) handOver(this.options.observer!, { ...event, id: this.id + index })
  }
}
