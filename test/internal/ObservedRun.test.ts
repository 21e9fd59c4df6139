import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect, Queue } from "effect"
import { ObservedRun } from "../../lib/internal/ObservedRun.ts"
import { environment } from "../shared/records.ts"

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe("a run that has ended", () => {
  it.effect("notes nothing of the jobs that outlive it", () =>
    Effect.gen(function*() {
      const run = new ObservedRun({ script: "test", parameters: {} }, environment)
      run.observe({ _tag: "Submitted", id: 1, job: "slow", at: Date.now() })
      run.end("completed")
      yield* Queue.takeAll(run.lines)
      run.observe({ _tag: "Started", id: 1, workerId: 1, at: Date.now() })
      run.observe({ _tag: "Submitted", id: 2, job: "later", at: Date.now() })
      assert.strictEqual(yield* Queue.size(run.lines), 0)
      assert.deepStrictEqual(run.ledger.record()!.jobs.map(({ workerId }) => workerId), [undefined])
    }))
})

describe("a run that is recorded", () => {
  const settled = { _tag: "Settled", status: "succeeded", workerId: 7, resultBytes: 8, error: undefined } as const

  it("leaves out what memory it cannot sample, as where no file can be opened", () => {
    const run = new ObservedRun({ script: "test", parameters: {} }, environment)
    const at = Date.now()
    run.observe({ _tag: "Submitted", id: 4, job: "square", at })
    vi.spyOn(process, "memoryUsage").mockImplementation(() => {
      throw new Error("EMFILE: too many open files, uv_resident_set_memory")
    })
    run.observe({ ...settled, id: 4, startedAt: at, at, cpuMs: undefined })
    run.tick()
    run.end("completed")
    const { jobs, memory, status } = run.ledger.record()!
    assert.deepStrictEqual([status, jobs[0]!.status, memory.length], ["completed", "succeeded", 1])
  })

  it("counts what jobs took in other processes, unless an earlier run had them done", () => {
    const run = new ObservedRun({ script: "test", parameters: {} }, environment)
    const at = Date.now()
    for (const id of [4, 5]) run.observe({ _tag: "Submitted", id, job: "square", at })
    const elsewhere = { ...settled, at, cpuMs: 1e9, runner: "there", isElsewhere: true }
    run.observe({ ...elsewhere, id: 5, startedAt: undefined, cpuMs: 1e12, isTakenOver: true })
    run.observe({ ...elsewhere, id: 4, startedAt: at })
    run.end("completed")
    const { jobs, summary } = run.ledger.record()!
    assert.isAtLeast(summary.cpuMs, 1e9)
    assert.isBelow(summary.cpuMs, 1e12)
    const [ran, found] = jobs
    assert.deepInclude(ran, { job: 0, runner: "there", workerId: 7, cpuMs: 1e9, resultBytes: 8 })
    assert.notProperty(ran, "takenOver")
    assert.isNumber(ran!.startedMs)
    assert.deepInclude(found, { job: 1, takenOver: true })
    assert.notProperty(found, "startedMs")
  })

  it("notes which runner a job began on, for the record of a run that is killed", () => {
    const run = new ObservedRun({ script: "test", parameters: {} }, environment)
    const at = Date.now()
    for (const id of [4, 5]) run.observe({ _tag: "Submitted", id, job: "square", at })
    run.observe({ _tag: "Started", id: 4, workerId: 7, runner: "there", at })
    run.observe({ _tag: "Started", id: 5, workerId: 1, at })
    const [there, here] = run.ledger.record()!.jobs
    assert.deepInclude(there, { status: "killed", workerId: 7, runner: "there" })
    assert.notProperty(here, "runner")
  })

  it("begins at the time of the system's clock, also where that was set since the process began", () => {
    const startedAt = new Date(Date.now() + 86_400_000).toISOString()
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(startedAt) })
    const run = new ObservedRun({ script: "test", parameters: {} }, environment)
    run.end("completed")
    const { finishedAt, startedAt: recorded, summary } = run.ledger.record()!
    assert.strictEqual(recorded, startedAt)
    assert.strictEqual(Date.parse(finishedAt) - Date.parse(startedAt), Math.floor(summary.wallMs))
    assert.isBelow(summary.wallMs, 86_400_000)
  })

  it("samples nothing before its first job, and has no time before its start", () => {
    const run = new ObservedRun({ script: "test", parameters: {} }, environment)
    run.tick()
    run.observe({ _tag: "Submitted", id: 1, job: "square", at: Date.now() - 60_000 })
    run.tick()
    const { jobs, memory } = run.ledger.record()!
    assert.strictEqual(jobs[0]!.submittedMs, 0)
    assert.lengthOf(memory, 2)
  })
})
