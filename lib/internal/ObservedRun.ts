/** One run as it is recorded: what it notes goes to the journal, and adds up to the record. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type { JobEvent } from "../Executor.ts"
import * as Memory from "../Memory.ts"
import type * as RunRecord from "../RunRecord.ts"
import { now } from "./clock.ts"
import * as journal from "./journal.ts"

interface Named {
  readonly script: string
  readonly parameters: RunRecord.Parameters
}

export class ObservedRun {
  readonly ledger = new journal.Ledger()
  readonly lines = Effect.runSync(Queue.unbounded<string>())
  readonly #begun = now()
  readonly #begunCpu = process.cpuUsage()
  /** The numbers of jobs in this run, by their numbers in this process, until they settle. */
  readonly #numbers = new Map<number, number>()
  #submittedJobs = 0
  #finishedJobs = 0
  /** CPU time of jobs in other processes. */
  #elsewhereMs = 0
  #hasEnded = false

  constructor({ parameters, script }: Named, where: RunRecord.Environment) {
    // By the system's clock as it is: the one of `now` stood still where the machine slept, since the process began.
    const startedAt = new Date().toISOString()
    this.#note({ _tag: "Start", version: 1, pid: process.pid, script, startedAt, environment: where, parameters })
  }

  /** What outlives the run is no part of it. */
  observe(event: JobEvent): void {
    if (this.#hasEnded) return
    if (event._tag === "Submitted") this.#numbers.set(event.id, this.#submittedJobs++)
    const job = this.#numbers.get(event.id)!
    const at = this.#since(event.at)
    switch (event._tag) {
      case "Submitted":
        if (job === 0) this.#sampleBaseline()
        return this.#note({ _tag: "Submitted", job, submittedMs: at })
      case "Started":
        return this.#note({
          _tag: "Started",
          job,
          workerId: event.workerId,
          startedMs: at,
          ...(event.runner !== undefined && { runner: event.runner })
        })
      case "Settled":
        this.#numbers.delete(event.id)
        this.#finishedJobs++
        if (event.isElsewhere === true && event.isTakenOver !== true) this.#elsewhereMs += event.cpuMs ?? 0
        this.#note({
          _tag: "Settled",
          job,
          status: event.status,
          returnedMs: at,
          resultBytes: event.resultBytes,
          ...(event.workerId !== undefined && { workerId: event.workerId }),
          ...(event.startedAt !== undefined && { startedMs: this.#since(event.startedAt) }),
          ...(event.cpuMs !== undefined && { cpuMs: event.cpuMs }),
          ...(event.error !== undefined && { error: event.error }),
          ...(event.runner !== undefined && { runner: event.runner }),
          ...(event.isTakenOver === true && { takenOver: true })
        })
        return this.#sample()
    }
  }

  /** Samples between results, from the baseline on: the first job finds the workers up and nothing run. */
  tick(): void {
    if (this.#submittedJobs > 0) this.#sample()
  }

  end(status: RunRecord.Status): void {
    this.#sample()
    this.#note({ _tag: "End", status, atMs: this.#since(now()), cpuMs: this.#cpuMs() })
    this.#hasEnded = true
  }

  /** After a collection, so that it is what the program holds and not what its start left. */
  #sampleBaseline() {
    Memory.collectUnsafe()
    this.#sample()
  }

  /** Leaves out one that cannot be taken, as where the process has no file left to read it from. */
  #sample() {
    const memory = Result.getOrUndefined(Result.try(Memory.sampleUnsafe))
    if (memory === undefined) return
    this.#note({
      _tag: "Sample",
      atMs: this.#since(now()),
      ...memory,
      finishedJobs: this.#finishedJobs,
      cpuMs: this.#cpuMs()
    })
  }

  #note(event: journal.Event) {
    this.ledger.add(event)
    Queue.offerUnsafe(this.lines, journal.encodeLine(event))
  }

  #since(at: number): number {
    return Math.max(0, Math.round((at - this.#begun) * 1000) / 1000)
  }

  #cpuMs(): number {
    const { system, user } = process.cpuUsage(this.#begunCpu)
    return (system + user) / 1000 + this.#elsewhereMs
  }
}
