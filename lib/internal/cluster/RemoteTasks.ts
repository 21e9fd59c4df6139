/**
 * The tasks of a program, from their acceptance until they have settled.
 *
 * A task waits in the program's own queue until there is room for it with the cluster. There it goes by the name of its
 * job: several tasks can want one, which is submitted for the first of them.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { InvalidOptions, WorkerDied } from "../../ExecutorError.ts"
import { now } from "../clock.ts"
import * as Drain from "../Drain.ts"
import { newJobIds } from "../jobEvents.ts"
import { TaskQueue } from "../TaskQueue.ts"
import { Timings } from "../Timings.ts"
import { keyOf } from "./names.ts"
import { type Measured, type Options, RemoteTask } from "./RemoteTask.ts"
import { type RemoteWorker, RunnerClocks } from "./RunnerClocks.ts"

export class RemoteTasks {
  readonly #room: () => number
  readonly #submit: (task: RemoteTask) => void
  readonly #queue = new TaskQueue<RemoteTask>()
  /** Those that are with the cluster. */
  readonly #byName = new Map<string, ReadonlyArray<RemoteTask>>()
  readonly #clocks = new RunnerClocks()
  readonly #timings = new Timings()
  readonly #counts = { accepted: 0, queued: 0, finished: 0, failed: 0, died: 0 }
  /** How many have left the queue. */
  #left = 0
  readonly unsettled = new Set<RemoteTask>()
  readonly drain = Drain.make(() => this.#counts.accepted === this.#counts.finished + this.#counts.failed)
  /** Whether those that wait are submitted no more. */
  isClosed = false

  /** Has `submit` submit no more at a time than there is `room` for. */
  constructor(room: () => number, submit: (task: RemoteTask) => void) {
    this.#room = room
    this.#submit = submit
  }

  /** A new task, which has settled already where none of its inputs can be sent. */
  accept(options: Omit<Options, "id" | "clocks" | "onSettled">): RemoteTask {
    this.#counts.accepted += options.inputs.length
    const task = new RemoteTask({
      ...options,
      id: newJobIds(options.inputs.length),
      clocks: this.#clocks,
      onSettled: (exit) => {
        this.#counts[Exit.isSuccess(exit) ? "finished" : "failed"]++
      }
    })
    this.#counts.queued += task.items
    this.unsettled.add(task)
    this.#queue.push(task)
    if (task.items === 0) this.end(task, Exit.interrupt())
    else this.dispatch()
    return task
  }

  /** Submits those that there is room for. */
  dispatch(): void {
    if (this.isClosed) return
    while (this.#queue.size > 0 && this.#left < this.#room()) {
      const task = this.#queue.shift()!
      task.state = "leaving"
      this.#left++
      this.#submit(task)
    }
  }

  submitAgain(task: RemoteTask): void {
    this.#byName.delete(task.name)
    task.state = "leaving"
    this.#submit(task)
  }

  /** Puts tasks beside those that want the same job, and returns the first of each, for which it is submitted. */
  join(chosen: ReadonlyArray<RemoteTask>): ReadonlyArray<RemoteTask> {
    const first: Array<RemoteTask> = []
    for (const task of chosen) {
      if (task.state !== "leaving") continue
      const same = this.of(task.name)
      if (same[0]?.state === "sent" && this.refuse(task, same[0].job.name, same[0].inputHash)) continue
      if (same.length === 0) first.push(task)
      else {
        task.isJoined = true
        task.isTakenOver = same[0]!.isTakenOver
      }
      this.#byName.set(task.name, [...same, task])
      task.state = same[0]?.state ?? "submitting"
      // What is being cancelled will begin anew.
      const begun = same.find(({ startedAt, verdict }) => startedAt !== undefined && verdict === undefined)
      if (begun !== undefined) this.#begin(task, begun.worker!)
    }
    return first
  }

  /** Ends a task whose key stands for another job or input, and tells whether it did. */
  refuse(task: RemoteTask, job: string, inputHash: string): boolean {
    const isOther = job !== task.job.name || inputHash !== task.inputHash
    if (isOther) this.end(task, Exit.fail(otherKey(task, job)))
    return isOther
  }

  /** The names of the jobs that the cluster has. */
  get sent(): ReadonlyArray<string> {
    return [...this.#byName].flatMap(([name, [task]]) => task?.state === "sent" ? name : [])
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  /** Those that want a job, as they are now. */
  of(name: string): ReadonlyArray<RemoteTask> {
    return this.#byName.get(name) ?? []
  }

  /** Whether a task waits for the job that is not being ended. */
  isWanted(name: string): boolean {
    return this.of(name).some(({ verdict }) => verdict === undefined)
  }

  /** Whether the job of a task is wanted for another one as well. */
  isShared(task: RemoteTask): boolean {
    return this.of(task.name).some((other) => other !== task && other.verdict === undefined)
  }

  /** A worker has begun a job. */
  started(name: string, worker: RemoteWorker): void {
    for (const task of this.of(name)) this.#begin(task, worker)
  }

  #begin(task: RemoteTask, worker: RemoteWorker) {
    if (task.startedAt === undefined) {
      this.#counts.queued -= task.items
      this.#timings.waited(now() - task.acceptedAt)
    }
    task.started(worker)
  }

  /** Settles a task as the runner says that ran its job. */
  replied(
    task: RemoteTask,
    exits: ReadonlyArray<Exit.Exit<unknown, unknown>>,
    measured: Measured,
    giveBack: () => void
  ): void {
    if (!task.isTakenOver) {
      this.started(task.name, measured)
      this.#timings.ran(measured.runMs * exits.length)
      for (const exit of exits) this.#counts.died += deathsOf(exit)
    }
    this.#settle(task, () => task.replied(exits, measured, giveBack))
  }

  /** Settles a task, unless it has. */
  end(task: RemoteTask, exit: Exit.Exit<never, unknown>): void {
    if (task.state !== "settled") this.#settle(task, () => task.end(exit))
  }

  endAll(tasks: ReadonlyArray<RemoteTask>, exit: Exit.Exit<never, unknown>): void {
    for (const task of tasks) this.end(task, exit)
  }

  #settle(task: RemoteTask, settle: () => void) {
    this.unsettled.delete(task)
    if (task.startedAt === undefined) this.#counts.queued -= task.items
    if (task.isQueued) this.#queue.remove(task)
    else {
      this.#left--
      const others = this.of(task.name).filter((other) => other !== task)
      if (others.length > 0) this.#byName.set(task.name, others)
      else this.#byName.delete(task.name)
    }
    settle()
    this.dispatch()
    this.drain.check()
  }

  stats(maxWorkers: number) {
    const { died, failed, finished, queued } = this.#counts
    const busy =
      [...this.#byName.values()].filter((same) => same.some(({ startedAt }) => startedAt !== undefined)).length
    return { busy, queued, finished, failed, died, ...this.#timings.summary(maxWorkers) }
  }
}

const otherKey = (task: RemoteTask, job: string) =>
  new InvalidOptions({
    option: "key",
    value: keyOf(task.name),
    expected: job === task.job.name
      ? "a name for one input: this one has been used with another"
      : `a name for one job: this one has been used with job "${job}"`
  })

/** How many workers the job took with it that ended so. */
const deathsOf = (exit: Exit.Exit<unknown, unknown>): number => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return error instanceof WorkerDied ? error.attempt : 0
}
