import { assert, describe, it } from "@effect/vitest"
import type { RunRecord } from "../../../lib/mod.ts"
import { timeline } from "../../../scripts/review/timeline.ts"
import { job, runRecord, sample } from "../../shared/records.ts"

const run = (jobs: ReadonlyArray<RunRecord.JobRecord>, memory: ReadonlyArray<RunRecord.MemorySample>) => ({
  ...runRecord,
  jobs,
  memory,
  summary: { ...runRecord.summary, wallMs: 1000 }
})

const ran = (number: number, workerId: number, startedMs: number, returnedMs: number, part = {}) =>
  job(number, { workerId, startedMs, returnedMs, ...part })

const at = (atMs: number, rssBytes: number) => ({ ...sample(0, rssBytes), atMs })

const lanesOf = (lines: ReadonlyArray<string>) => lines.filter((line) => line.trimStart().startsWith("worker "))

describe("timeline", () => {
  it("shows what each worker ran when, by the numbers of the jobs", () => {
    const jobs = [
      ran(0, 1, 0, 500),
      ran(1, 2, 250, 750, { status: "failed" }),
      ran(2, 1, 500, 1000),
      job(3, { workerId: 2, startedMs: 750, status: "killed" })
    ]
    const { returnedMs: _, ...killed } = jobs[3]!
    const lines = timeline(run([...jobs.slice(0, 3), killed], [at(0, 1e6), at(1000, 1e6)]), 51)
    const [first, second] = lanesOf(lines)
    assert.strictEqual(first, `worker 1 │0${"█".repeat(18)}│2${"█".repeat(18)}`)
    assert.strictEqual(second, `worker 2 ${" ".repeat(10)}│1!${"█".repeat(17)}│3!${"█".repeat(7)}`)
  })

  it("shades columns by how busy a worker was in their time, where jobs are shorter than that", () => {
    const jobs = Array.from({ length: 200 }, (_, n) => ran(n, 1, n * 5, n * 5 + (n < 100 ? 1 : 5)))
    const [lane] = lanesOf(timeline(run(jobs, [at(0, 1e6)]), 51))
    assert.match(lane!, /^worker 1 ░{20}█{20}$/)
  })

  it("has a lane for each worker that ran something, in the order of their numbers, and for nobody else", () => {
    const { workerId: _, startedMs: __, ...queued } = job(2, { status: "interrupted" })
    const jobs = [ran(0, 10, 0, 9), ran(1, 9, 0, 9), queued, { ...queued, workerId: 3 }, { ...queued, startedMs: 1 }]
    const lanes = lanesOf(timeline(run(jobs, [at(0, 1e6)]), 80))
    assert.deepStrictEqual(lanes.map((lane) => lane.trim().split(" ")[1]), ["9", "10"])
  })

  it("begins with the first sample, and has what was before at the edge or not at all", () => {
    const jobs = [ran(0, 1, 100, 200), ran(1, 1, 300, 750), ran(2, 2, 100, 200), ran(3, 2, 750, 1000)]
    const lines = timeline(run(jobs, [at(500, 1e6), at(1000, 1e6)]), 51)
    assert.deepStrictEqual(lanesOf(lines), [
      `worker 1 │1${"█".repeat(18)}`,
      `worker 2 ${" ".repeat(20)}│3${"█".repeat(18)}`
    ])
    assert.match(lines.join("\n"), /0\.5 s +0\.6 s +0\.8 s +0\.9 s +1\.0 s$/m)
  })

  it("tells one tick from the next where a run was short", () => {
    const brief = { ...run([], [at(0, 1e6), at(20, 1e6)]), summary: { ...runRecord.summary, wallMs: 20 } }
    assert.match(timeline(brief, 80).join("\n"), /0\.000 s +0\.005 s +0\.010 s +0\.015 s +0\.020 s$/m)
  })

  it("draws memory above the lanes column by column, however long the labels of either are", () => {
    for (const [workerId, rssBytes] of [[1, 472e6], [1, 123456e6], [1, 12e6], [1000, 472e6]] as const) {
      const lines = timeline(run([ran(0, workerId, 0, 1000)], [at(0, rssBytes), at(1000, rssBytes)]), 80)
      const drawn = lines.join("\n").split("\n")
      const axis = drawn.filter((line) => line.includes("┤")).map((line) => line.indexOf("┤"))
      assert.deepStrictEqual(axis, Array(5).fill(lanesOf(drawn)[0]!.indexOf("│0") - 1))
    }
  })

  it("keeps a lane as long as it is where a worker is said to have run more than one job at a time", () => {
    const jobs = Array.from({ length: 50 }, (_, n) => ran(n, 1, n * 10, n * 10 + 500))
    assert.deepStrictEqual(lanesOf(timeline(run(jobs, [at(0, 1e6)]), 51)).map(({ length }) => length), [49])
  })

  it("shows the peak in the chart, and a line that climbs for memory that climbs", () => {
    const memory = Array.from({ length: 101 }, (_, n) => at(n * 10, n === 50 ? 900e6 : n * 1e6))
    const lines = timeline(run([ran(0, 1, 0, 1000)], memory), 80).join("\n").split("\n")
    assert.include(lines.join("\n"), "900 MB┤")
    const brief = [at(0, 1e6), at(500, 900e6), at(500.1, 1e6), at(1000, 1e6)]
    assert.match(timeline(run([], brief), 80).join("\n"), /900 MB┤ +[┏━┓]/)
    const climbing = timeline(run([], Array.from({ length: 101 }, (_, n) => at(n * 10, n * 1e6))), 80).join("\n")
    assert.match(climbing, /0\.0 s +0\.3 s +0\.5 s +0\.8 s +1\.0 s/)
    const heights = climbing.split("\n").filter((line) => line.includes("┤")).map((line) => line.search(/[━┏┛]/))
    assert.deepStrictEqual(heights, heights.toSorted((a, b) => b - a))
  })

  it("is never wider than the window, and names the workers that there is no room for", () => {
    const jobs = Array.from({ length: 300 }, (_, n) => ran(n, n % 30 + 1, n * 3, n * 3 + 80))
    assert.strictEqual(lanesOf(timeline(run([ran(0, 1, 0, 1000)], [at(0, 1e6)]), 10))[0]!.length, 9 + 20)
    for (const columns of [40, 80, 200]) {
      const lines = timeline(run(jobs, [at(0, 1e6), at(1000, 123456e6)]), columns).join("\n").split("\n")
      for (const line of lines) assert.isAtMost(line.length, columns, line)
      assert.deepStrictEqual(lines, lines.map((line) => line.trimEnd()))
      for (const lane of lanesOf(lines)) assert.match(lane.slice(0, 10), /^ *worker \d+ $/)
      assert.lengthOf(lanesOf(lines), 24)
      assert.include(lines, "and 6 more workers")
    }
    const but25 = jobs.filter(({ workerId }) => workerId! <= 25)
    assert.include(timeline(run(but25, [at(0, 1e6)]), 80), "and 1 more worker")
  })

  it("draws nothing for a run that was over before it began, or that tells nothing", () => {
    assert.deepStrictEqual(timeline({ ...runRecord, summary: { ...runRecord.summary, wallMs: 0 } }, 80), [])
    assert.deepStrictEqual(timeline(run([], []), 80), [])
  })

  it("puts up with figures that no run has", () => {
    for (const wallMs of [Number.MIN_VALUE, 1e-9, Number.MAX_VALUE]) {
      for (const rssBytes of [0, 1, Number.MAX_SAFE_INTEGER]) {
        const odd = run([ran(0, 1, 0, 1)], [at(0, rssBytes)])
        const lines = timeline({ ...odd, summary: { ...odd.summary, wallMs } }, 80)
        assert.lengthOf(lanesOf(lines), 1)
      }
    }
  })

  it("draws a million jobs", () => {
    const jobs = Array.from({ length: 1_000_000 }, (_, n) => ran(n, n % 3 + 1, n / 1000, (n + 3) / 1000))
    const memory = Array.from({ length: 1_000_000 }, (_, n) => at(n / 1000, n % 997))
    assert.lengthOf(lanesOf(timeline(run(jobs, memory), 80)), 3)
  })
})
