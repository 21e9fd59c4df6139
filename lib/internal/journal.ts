/**
 * The journal of a run: one event a line, as it happens. The record is what the events add up to, so a run that was
 * killed is finished by adding up the lines that it left.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as RunRecord from "../RunRecord.ts"
import { newerVersion } from "./resultFile.ts"

const { submittedMs, ...settled } = RunRecord.JobRecord.fields
const { job, runner, startedMs, workerId } = settled
const { wallMs: atMs, cpuMs } = RunRecord.Summary.fields

const Event = Schema.Union([
  Schema.TaggedStruct("Start", {
    version: Schema.Literal(1),
    pid: Schema.Int.check(Schema.isGreaterThan(0)),
    script: Schema.NonEmptyString,
    startedAt: RunRecord.Timestamp,
    environment: RunRecord.Environment,
    parameters: RunRecord.Parameters
  }),
  Schema.TaggedStruct("Submitted", { job, submittedMs }),
  Schema.TaggedStruct("Started", { job, workerId, startedMs, runner }),
  Schema.TaggedStruct("Settled", settled),
  Schema.TaggedStruct("Sample", { ...RunRecord.MemorySample.fields, cpuMs }),
  Schema.TaggedStruct("End", { status: RunRecord.Status, atMs, cpuMs })
])
export type Event = typeof Event.Type

const parse = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const decode = Schema.decodeUnknownResult(Event)

export const encodeLine = (event: Event): string => `${JSON.stringify(event)}\n`

/** A line that is no event. */
export interface Damage {
  /** From 1. */
  readonly line: number
  readonly problem: string
  /** Whether it is the last line and has no end, as a kill can tear it. */
  readonly isLast: boolean
}

/** No time is later. */
const latestMs = Date.parse("9999-12-31T23:59:59.999Z")

/** Adds events up to a record. */
export class Ledger {
  #start: Extract<Event, { readonly _tag: "Start" }> | undefined
  /** By their numbers, which in a damaged journal can be any. */
  readonly #jobs = new Map<number, RunRecord.JobRecord>()
  readonly #memory: Array<RunRecord.MemorySample> = []
  #status: RunRecord.Status | undefined
  #atMs = 0
  #cpuMs = 0

  add(event: Event): void {
    switch (event._tag) {
      case "Start":
        this.#start = event
        return
      case "Submitted":
        this.#update(event)
        return this.#reached(event.submittedMs)
      case "Started":
        this.#update(event)
        return this.#reached(event.startedMs ?? 0)
      case "Settled":
        this.#update(event)
        return this.#reached(event.returnedMs ?? 0)
      case "Sample": {
        const { _tag, cpuMs, ...sample } = event
        this.#memory.push(sample)
        this.#cpuMs = cpuMs
        return this.#reached(sample.atMs)
      }
      case "End":
        this.#status = event.status
        this.#cpuMs = event.cpuMs
        return this.#reached(event.atMs)
    }
  }

  /** The process that keeps the journal, unless its run is over. */
  pid(): number | undefined {
    return this.hasEnded() ? undefined : this.#start?.pid
  }

  /** Whether the run said what it is. */
  hasStarted(): boolean {
    return this.#start !== undefined
  }

  /** Whether the run said that it is over. */
  hasEnded(): boolean {
    return this.#status !== undefined
  }

  /** The record, if the run got as far as to say what it is. */
  record(): RunRecord.RunRecord | undefined {
    if (this.#start === undefined) return undefined
    const { _tag, pid: _, ...start } = this.#start
    const jobs = [...this.#jobs.values()].toSorted((a, b) => a.job - b.job)
    const memory = [...this.#memory]
    return {
      ...start,
      status: this.#status ?? "killed",
      finishedAt: new Date(Math.min(Date.parse(start.startedAt) + this.#atMs, latestMs)).toISOString(),
      jobs,
      memory,
      summary: RunRecord.summarize({ ...start, jobs, memory, wallMs: this.#atMs, cpuMs: this.#cpuMs })
    }
  }

  /** A damaged journal can have a job's events in any order. */
  #update({ _tag, ...event }: Extract<Event, { readonly _tag: "Submitted" | "Started" | "Settled" }>) {
    const known = this.#jobs.get(event.job) ?? { job: event.job, status: "killed", submittedMs: 0, resultBytes: 0 }
    this.#jobs.set(event.job, { ...known, ...event })
  }

  #reached(atMs: number) {
    this.#atMs = Math.max(this.#atMs, atMs)
  }
}

/** No event is longer, and no more of a line is held. */
const maxLineBytes = 2 ** 24

/** So many damaged lines are told one by one. */
const maxDamage = 1000

const newline = 10

/** Reads what can be read of a journal that comes in pieces, within bounded memory whatever it holds. */
export class Reader {
  readonly ledger = new Ledger()
  readonly #damage: Array<Damage> = []
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true })
  #held: Array<Uint8Array> = []
  #heldBytes = 0
  #line = 0
  #damagedLines = 0
  /** Another run has begun, to which the rest belongs. */
  #isOther = false

  add(bytes: Uint8Array): void {
    let from = 0
    for (let to = bytes.indexOf(newline); to >= 0; to = bytes.indexOf(newline, from)) {
      if (to > from) this.#hold(bytes.subarray(from, to))
      this.#endLine(false)
      from = to + 1
    }
    if (from < bytes.length) this.#hold(bytes.subarray(from))
  }

  /** The damage, when all has been added. */
  end(): ReadonlyArray<Damage> {
    if (this.#heldBytes > 0) this.#endLine(true)
    const others = this.#damagedLines - this.#damage.length
    if (others > 0) this.#damage.push({ line: this.#line, problem: `nor can ${others} before it`, isLast: false })
    return this.#damage
  }

  /** What is wrong with the line that says what run it is. */
  startProblem(): string | undefined {
    return this.#damage[0]?.line === 1 ? this.#damage[0].problem : undefined
  }

  #hold(bytes: Uint8Array) {
    this.#heldBytes += bytes.length
    if (this.#heldBytes <= maxLineBytes) this.#held.push(bytes)
  }

  #endLine(isTorn: boolean) {
    this.#line++
    const problem = this.#addEvent()
    if (this.#heldBytes > 0) this.#held = []
    this.#heldBytes = 0
    if (problem === undefined) return
    this.#damagedLines++
    if (this.#damage.length < maxDamage) this.#damage.push({ line: this.#line, problem, isLast: isTorn })
  }

  #addEvent(): string | undefined {
    if (this.#heldBytes === 0) return "expected an event, got nothing"
    if (this.#heldBytes > maxLineBytes) return `expected at most ${maxLineBytes} bytes, got ${this.#heldBytes}`
    let text
    try {
      text = this.#utf8.decode(this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held))
    } catch {
      return "expected UTF-8"
    }
    const json = parse(text)
    if (Result.isFailure(json)) return json.failure.message
    const event = decode(json.success)
    if (Result.isFailure(event)) return newerVersion(json.success) ?? event.failure.message
    this.#isOther ||= event.success._tag === "Start" && this.ledger.hasStarted()
    if (this.#isOther) return "expected one run, got the start of another or what follows it"
    this.ledger.add(event.success)
    return undefined
  }
}
