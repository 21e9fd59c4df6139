/**
 * A worker in this thread that fares as it is told: the real worker's side (`lib/internal/worker.ts`) behind two
 * {@link Channel}s.
 */
import { Deferred, Effect } from "effect"
import type { FromWorker, ToWorker } from "../../../lib/internal/protocol.ts"
import * as worker from "../../../lib/internal/worker.ts"
import type * as Job from "../../../lib/Job.ts"
import { Channel } from "./Channel.ts"
import type { WorkerPlan } from "./schedule.ts"
import type { Timeline } from "./Timeline.ts"

type Inbound = readonly [0, ToWorker] | readonly [1]
type Outbound = readonly [0] | readonly [1, FromWorker]

export class SimulatedWorker {
  readonly workerId: number
  readonly plan: WorkerPlan
  /** Whether it computes. */
  isAlive = true
  isGone = false
  goneAt = 0
  /** It died, and not because the pool stopped it. */
  diedOfItself = false
  /** The pool wants it to go. */
  isStopping = false
  /** The pool knows that it is up. */
  isKnownReady = false
  setups = 0
  /** The item that it runs. */
  running: number | undefined
  /** The group of that item. */
  group: number | undefined
  /** What its latest run was given. */
  context: Job.Context | undefined
  /** How many jobs it was sent, or has begun of those whose inputs go without a message. */
  jobs = 0
  /** The inputs that came in messages. */
  readonly sent = new Set<unknown>()
  /** The last run that it was sent, as long as the pool has no reply. */
  unanswered: number | undefined
  /** What the pool listens with. */
  emit: (message: Outbound) => void = () => {}
  onDeath: () => void = () => {}
  readonly #timeline: Timeline
  readonly #inbox: Channel<Inbound>
  readonly #outbox: Channel<Outbound>
  readonly #gone = Deferred.makeUnsafe<void>()
  #handle: (message: Inbound) => void = () => {}

  constructor(workerId: number, plan: WorkerPlan, timeline: Timeline, find: worker.FindJob) {
    this.workerId = workerId
    this.plan = plan
    this.#timeline = timeline
    const onLost = (diesAfterMs: number) => timeline.after(diesAfterMs, () => this.die())
    this.#inbox = new Channel(timeline, plan.inbox, (message) => this.isAlive && this.#handle(message), onLost)
    this.#outbox = new Channel(timeline, plan.outbox, (message) => this.isAlive && this.#receive(message), onLost)
    timeline.after(plan.startMs, () => this.isAlive && this.#start(find))
  }

  /** The pool never saw it up. */
  get couldNotStart(): boolean {
    return !this.isKnownReady
  }

  /** As the pool sees it, a job could start here at once. */
  get isReady(): boolean {
    return this.isAlive && this.isKnownReady && !this.isStopping && this.unanswered === undefined &&
      this.running === undefined
  }

  readonly postMessage = (message: Inbound, transfer: ReadonlyArray<ArrayBuffer> = []): void => {
    this.#inbox.post(message, transfer)
    if (message[0] === 0 && message[1]._tag === "Run") {
      this.jobs += message[1].inputs.length
      message[1].inputs.forEach((input) => this.sent.add(input))
      this.unanswered = message[1].id
    }
  }

  /** Returns when it is gone, as the pool wants it. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.isStopping) this.#timeline.after(this.plan.stopsAfterMs, () => this.#end())
    this.isStopping = true
    return Deferred.await(this.#gone)
  })

  die(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.diedOfItself = true
    this.onDeath()
    this.#timeline.after(this.plan.lingersMs, () => this.#end())
  }

  #end() {
    this.isAlive = false
    this.isGone = true
    this.goneAt = this.#timeline.now()
    this.onDeath()
    Deferred.doneUnsafe(this.#gone, Effect.void)
  }

  #start(find: worker.FindJob) {
    if (this.plan.start === "dies before the handshake") return this.die()
    this.#handle = worker.make({
      post: (message, transfer) => {
        if (this.isAlive) this.#outbox.post(message, transfer)
      },
      close: () => this.#end()
    }, find)
    if (this.plan.diesAfterMs !== null) this.#timeline.after(this.plan.diesAfterMs, () => this.die())
  }

  #receive(message: Outbound) {
    const content = message[1]
    if (content?._tag === "Ready") this.isKnownReady = true
    if (content?._tag === "Settled" && content.id === this.unanswered) this.unanswered = undefined
    this.emit(message)
  }
}
