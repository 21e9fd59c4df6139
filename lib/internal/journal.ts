/**
 * The journal of a run: one event a line, as it happens. The record is what the events add up to, so a run that was
 * killed is finished by adding up the lines that it left.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as RunRecord from "../RunRecord.ts"

const { submittedMs, ...settled } = RunRecord.JobRecord.fields
const { job, startedMs, workerId } = settled

const Event = Schema.Union([
  Schema.TaggedStruct("Start", {
    version: Schema.Literal(1),
    pid: Schema.Int,
    script: Schema.NonEmptyString,
    startedAt: RunRecord.Timestamp,
    environment: RunRecord.Environment,
    parameters: RunRecord.Parameters
  }),
  Schema.TaggedStruct("Submitted", { job, submittedMs }),
  Schema.TaggedStruct("Started", { job, workerId, startedMs }),
  Schema.TaggedStruct("Settled", settled),
  Schema.TaggedStruct("Sample", { ...RunRecord.MemorySample.fields, cpuMs: Schema.Finite }),
  Schema.TaggedStruct("End", { status: RunRecord.Status, atMs: Schema.Finite, cpuMs: Schema.Finite })
])
export type Event = typeof Event.Type

const Line = Schema.fromJsonString(Event)

export const encodeLine = (event: Event): string => `${JSON.stringify(event)}\n`

/** A line that is no event. */
export interface Damage {
  /** From 1. */
  readonly line: number
  readonly problem: string
  /** Whether it is the last line, which a kill can tear. */
  readonly isLast: boolean
}

/** Reads what can be read. */
export const parse = Effect.fnUntraced(function*(text: string) {
  const lines = text.split("\n")
  if (lines.at(-1) === "") lines.pop()
  const events: Array<Event> = []
  const damage: Array<Damage> = []
  for (const [index, line] of lines.entries()) {
    yield* Schema.decodeEffect(Line)(line).pipe(Effect.match({
      onSuccess: (event) => events.push(event),
      onFailure: ({ message }) => damage.push({ line: index + 1, problem: message, isLast: index === lines.length - 1 })
    }))
  }
  return { events, damage }
})

/** The process that kept the journal, where its first line tells. */
export const pidIn = (text: string): number | undefined => {
  const first = Schema.decodeExit(Line)(text.slice(0, text.indexOf("\n")))
  return Exit.isSuccess(first) && first.value._tag === "Start" ? first.value.pid : undefined
}

/** Adds events up to a record. */
export class Ledger {
  #start: Extract<Event, { readonly _tag: "Start" }> | undefined
  readonly #jobs: Array<RunRecord.JobRecord> = []
  readonly #memory: Array<RunRecord.MemorySample> = []
  #status: RunRecord.Status = "killed"
  #atMs = 0
  #cpuMs = 0

  add(event: Event): void {
    switch (event._tag) {
      case "Start":
        this.#start = event
        return
      case "Submitted":
        this.#jobs[event.job] = { job: event.job, status: "killed", submittedMs: event.submittedMs, resultBytes: 0 }
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

  /** The record, if the run got as far as to say what it is. */
  record(): RunRecord.RunRecord | undefined {
    if (this.#start === undefined) return undefined
    const { _tag, pid: _, ...start } = this.#start
    const jobs = this.#jobs.filter(() => true)
    const memory = this.#memory
    return {
      ...start,
      status: this.#status,
      finishedAt: new Date(Date.parse(start.startedAt) + this.#atMs).toISOString(),
      jobs,
      memory,
      summary: RunRecord.summarize({ ...start, jobs, memory, wallMs: this.#atMs, cpuMs: this.#cpuMs })
    }
  }

  #update({ _tag, ...event }: Extract<Event, { readonly _tag: "Started" | "Settled" }>) {
    const known = this.#jobs[event.job] ?? { status: "killed", submittedMs: 0, resultBytes: 0 }
    this.#jobs[event.job] = { ...known, ...event }
  }

  #reached(atMs: number) {
    this.#atMs = Math.max(this.#atMs, atMs)
  }
}
