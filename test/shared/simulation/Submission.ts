/** A job that an executor has accepted in a simulation: what was told of each of its items, and whether that is right. */
import { Cause, Exit } from "effect"
import type { Executor, ExecutorError } from "../../../lib/mod.ts"
import type { ExecutePlan, ItemPlan } from "./schedule.ts"
import type { Input, Simulation } from "./Simulation.ts"
import type { Turn, Turns } from "./Turns.ts"

interface Item {
  readonly label: number
  readonly plan: ItemPlan
  /** Empty where nobody looks on. */
  readonly events: Array<Executor.JobEvent>
  exit: Exit.Exit<unknown, unknown> | undefined
}

export class Submission {
  readonly items: ReadonlyArray<Item>
  readonly inputs: ReadonlyArray<Input | number>
  readonly #plan: ExecutePlan
  readonly #simulation: Simulation
  readonly #turns: Turns
  readonly #turn: Turn | undefined
  #firstId: number | undefined
  #isWithdrawn = false
  #hasEnded = false

  constructor(plan: ExecutePlan, firstLabel: number, simulation: Simulation, turns: Turns) {
    this.#plan = plan
    this.#simulation = simulation
    this.#turns = turns
    this.items = plan.items.map((plan, index) => ({ label: firstLabel + index, plan, events: [], exit: undefined }))
    this.inputs = this.items.map(({ label, plan }) =>
      simulation.asSent({
        ...plan,
        label,
        ...(this.#plan.oneByOne && { group: firstLabel }),
        ...(plan.does === "take what cannot be cloned" && { cannotBeCloned: () => {} })
      })
    )
    if (!plan.isObserved) {
      turns.acceptUnseen(plan.items.length + 1)
      return
    }
    const mayBeRefused = plan.items.some(({ does }) => does === "take what cannot be cloned")
    this.#turn = turns.accept(plan.priority, mayBeRefused ? plan.items.length + 1 : 0)
    if (!this.items.some(mayStart)) turns.leave(this.#turn)
  }

  /** Whether its items may wait though a worker is ready. */
  get mayWait(): boolean {
    return !this.isSettled && (!this.isObserved || this.#plan.oneByOne)
  }

  get isObserved(): boolean {
    return this.#plan.isObserved
  }

  get isSettled(): boolean {
    return this.isObserved ? this.items.every(hasSettled) : this.#hasEnded
  }

  /** Whether what became of each item is told. */
  get isKnown(): boolean {
    return this.isObserved || this.items.every(({ exit }) => exit !== undefined)
  }

  /** What became of the items that were accepted. */
  get statuses(): ReadonlyArray<string> {
    return this.items.flatMap(({ events, exit }) => {
      const event = events.at(-1)
      if (event !== undefined) return event._tag === "Settled" ? event.status : event._tag
      return exit === undefined ? [] : statusOf(exit)
    })
  }

  /** Nobody wants it any more. */
  withdraw(): void {
    this.#isWithdrawn = true
    for (const { events, label } of this.items) {
      if (this.isObserved && !events.some(({ _tag }) => _tag === "Started")) this.#simulation.withdrawn.add(label)
    }
  }

  readonly observe = (event: Executor.JobEvent): void => {
    this.#firstId ??= event.id
    const item = this.items[event.id - this.#firstId]!
    const isFirst = item.events.length === 0
    if (isFirst !== (event._tag === "Submitted")) this.#violation(`${event._tag} as event ${item.events.length}`, item)
    if (hasSettled(item)) this.#violation(`${event._tag} after it had settled`, item)
    if (event._tag === "Started" && this.items.find((item) => !hasSettled(item) && mayStart(item)) === item) {
      this.#turns.start(this.#turn!)
    }
    if (event._tag === "Started" && this.#hasFailed()) this.#violation("started after another had failed", item)
    if (event._tag === "Settled" && this.#hasFailed() && item.events.at(-1)?._tag === "Submitted") {
      this.#simulation.withdrawn.add(item.label)
    }
    item.events.push(event)
    if (this.isSettled) this.#turns.leave(this.#turn!)
  }

  /** The caller has what the executor hands back. */
  returned(exits: ReadonlyArray<Exit.Exit<unknown, unknown>>): void {
    if (exits.length !== this.items.length) this.#simulation.violation(`${exits.length} exits of ${this.items.length}`)
    for (const [index, item] of this.items.entries()) item.exit = exits[index]
    for (const [index, item] of this.items.entries()) {
      this.#judge(item, exits[index])
    }
    this.ended()
  }

  /** The caller goes on: everything must have settled, and no worker may be busy with it. */
  ended(): void {
    this.#hasEnded = true
    for (const item of this.items) {
      if (item.events.length > 0 && !hasSettled(item)) this.#violation("the caller goes on before it has settled", item)
      const busy = this.#simulation.workers.find(({ isAlive, running }) => isAlive && running === item.label)
      if (busy !== undefined) this.#violation(`the caller goes on while worker ${busy.workerId} runs it`, item)
    }
  }

  #judge(item: Item, exit: Exit.Exit<unknown, unknown> | undefined) {
    if (exit === undefined) return this.#violation("it has no exit", item)
    const told = item.events.at(-1)
    const status = statusOf(exit)
    const isTold = told?._tag === "Settled" && told.status === status
    if (this.isObserved && !isTold) this.#violation(`told otherwise than ${status}`, item)
    if (Exit.isSuccess(exit)) return this.#judgeResult(item, exit.value)
    if (Exit.hasInterrupts(exit)) {
      return this.#isWithdrawn || this.#hasFailed() || this.#violation("interrupted by nobody", item)
    }
    this.#judgeError(item, Cause.squash(exit.cause) as ExecutorError.ExecutorError)
  }

  /** Whether an item has failed that ends the others. */
  #hasFailed(): boolean {
    return this.#plan.untilFailure && this.statuses.includes("failed")
  }

  #judgeResult(item: Item, value: unknown) {
    const { does } = item.plan
    if (does !== "return" && does !== "listen") this.#violation(`it was to ${does}, and succeeded`, item)
    const label = value instanceof Float64Array ? value[0] : value
    if (label !== item.label) this.#violation("not its own result", item)
  }

  #judgeError(item: Item, error: ExecutorError.ExecutorError) {
    const { deadline, retryWorkerDeath } = this.#plan
    const wrong = (expected: boolean) => expected || this.#violation(`${error._tag}: ${error.message}`, item)
    switch (error._tag) {
      case "WorkerDied":
        wrong(this.#simulation.workers[error.workerId - 1]!.diedOfItself)
        return wrong(error.attempt === retryWorkerDeath + 1)
      case "WorkerStartError":
        return wrong(this.#simulation.workers[error.workerId - 1]!.couldNotStart)
      case "JobThrew":
        return wrong(item.plan.does === "throw" && error.message === `item ${item.label}`)
      case "CloneError":
        return wrong(
          item.plan.does === (error.side === "input" ? "take what cannot be cloned" : "return what cannot be cloned")
        )
      case "DeadlineExceeded":
        return wrong(deadline[error.clock] === error.limitMs)
      default:
        return wrong(false)
    }
  }

  #violation(what: string, { label }: Item) {
    this.#simulation.violation(`item ${label}: ${what}`)
  }
}

const mayStart = ({ plan }: Item) => plan.does !== "take what cannot be cloned"

const hasSettled = ({ events }: Item) => events.at(-1)?._tag === "Settled"

const statusOf = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isSuccess(exit) ? "succeeded" : Exit.hasInterrupts(exit) ? "interrupted" : "failed"
