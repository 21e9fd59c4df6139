import { assert, describe, expect, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Cause, Exit, Schema } from "effect"
import { RunRecord } from "../lib/mod.ts"
import { environment, job, runRecord, sample } from "./shared/records.ts"

const jsonSchema = () => {
  const { definitions, schema } = Schema.toJsonSchemaDocument(RunRecord.ResultFile)
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "effect-futures result file",
    ...schema,
    $defs: definitions
  }
}

const comparison: RunRecord.ComparisonRecord = {
  version: 1,
  script: "compare",
  status: "completed",
  startedAt: runRecord.startedAt,
  finishedAt: runRecord.finishedAt,
  environment,
  parameters: {},
  runs: [runRecord, runRecord]
}

const benchmark = (subject: object): unknown => {
  const { jobs: _, memory: __, summary: ___, ...common } = runRecord
  return { ...common, script: "bench", cases: [{ name: "noop", description: "Nothing", subjects: [subject] }] }
}

describe("RunRecord.ResultFile", () => {
  const validate = new Ajv2020({ strict: false }).compile(jsonSchema())
  const decode = Schema.decodeUnknownExit(RunRecord.ResultFile)

  it("has its JSON Schema beside the results", async () => {
    await expect(`${JSON.stringify(jsonSchema(), null, 2)}\n`).toMatchFileSnapshot("../results/run-record.schema.json")
  })

  it("takes the record of a run and of a comparison", () => {
    for (const record of [runRecord, comparison]) {
      assert.isTrue(validate(record), JSON.stringify(validate.errors))
      assert.isTrue(Exit.isSuccess(decode(record)))
    }
  })

  it("takes the record of a benchmark, also one from before subjects had roles and samples said how many jobs", () => {
    const sample = { wallMs: 1, cpuMs: 1, peakGrowthBytes: 1 }
    const old = { name: "ours", samples: [sample] }
    const subject = { name: "ours", role: "ours", samples: [{ ...sample, jobs: 5, heldBytes: 10 }] }
    for (const record of [benchmark(old), benchmark(subject)]) {
      assert.isTrue(validate(record), JSON.stringify(validate.errors))
      assert.isTrue(Exit.isSuccess(decode(record)))
    }
    assert.isFalse(validate(benchmark({ ...subject, role: "friend" })))
  })

  it("takes a job that did not get far", () => {
    const { cpuMs: _, returnedMs: __, startedMs: ___, workerId: ____, ...queued } = job(0, { status: "killed" })
    assert.isTrue(validate({ ...runRecord, jobs: [queued] }), JSON.stringify(validate.errors))
  })

  it("refuses a day that there is not", () => {
    assert.isTrue(Exit.isSuccess(decode({ ...runRecord, startedAt: "2028-02-29T23:59:59.999Z" })))
    assert.isTrue(Exit.isFailure(decode({ ...runRecord, startedAt: "2026-02-29T23:59:59.999Z" })))
  })

  const broken: Record<string, object> = {
    "another version": { ...runRecord, version: 2 },
    "a status that there is not": { ...runRecord, status: "done" },
    "a time that is none": { ...runRecord, startedAt: "yesterday" },
    "half a job": { ...runRecord, jobs: [{ job: 0 }] },
    "a part of a byte": { ...runRecord, jobs: [job(0, { resultBytes: 1.5 })] },
    "less than no memory": { ...runRecord, memory: [sample(0, -1)] },
    "a figure that is none": { ...runRecord, summary: { ...runRecord.summary, jobsPerSecond: null } },
    "no jobs and no runs": { ...runRecord, jobs: undefined }
  }
  for (const [what, record] of Object.entries(broken)) {
    it(`refuses ${what}`, () => {
      const json: unknown = JSON.parse(JSON.stringify(record))
      assert.isFalse(validate(json))
      assert.isTrue(Exit.isFailure(decode(json)))
    })
  }
})

describe("RunRecord.statusOf", () => {
  it("is failed where something did, also while it was interrupted", () => {
    const both = Cause.combine(Cause.fail("no"), Cause.interrupt())
    const exits = [Exit.void, Exit.interrupt(), Exit.fail("no"), Exit.die("no"), Exit.failCause(both)]
    assert.deepStrictEqual(exits.map(RunRecord.statusOf), ["completed", "interrupted", "failed", "failed", "failed"])
  })
})

const summarize = (facts: Partial<RunRecord.Facts>) =>
  RunRecord.summarize({
    parameters: { workers: 2 },
    environment,
    wallMs: 1000,
    cpuMs: 1500,
    jobs: [],
    memory: [],
    ...facts
  })

describe("RunRecord.summarize", () => {
  const tenJobs = Array.from({ length: 10 }, (_, n) => job(n))

  it("finds the slope that the samples were made with", () => {
    for (const slope of [80_000_000, 0, -1000]) {
      const memory = Array.from({ length: 11 }, (_, n) => sample(n, 1_000_000_000 + n * slope))
      assert.strictEqual(summarize({ jobs: tenJobs, memory }).rssSlopeBytesPerJob, slope)
    }
  })

  it("takes the slope from where the pool was full, not from its filling and emptying", () => {
    const memory = Array.from({ length: 11 }, (_, n) => sample(n, n < 2 ? n : n > 8 ? 1e9 : 1000 + 5 * n))
    assert.strictEqual(summarize({ jobs: tenJobs, memory }).rssSlopeBytesPerJob, 5)
    const bent = [sample(1, 7), sample(2, 0), sample(3, 0), sample(4, 10), sample(5, 7)]
    assert.strictEqual(summarize({ jobs: tenJobs.slice(0, 6), memory: bent }).rssSlopeBytesPerJob, 5)
  })

  it("takes the slope from all samples where the pool was never full for long, and is 0 for none", () => {
    const memory = [sample(0, 1000), sample(1, 1007), sample(2, 1014)]
    assert.strictEqual(summarize({ jobs: [job(0), job(1)], memory }).rssSlopeBytesPerJob, 7)
    assert.strictEqual(summarize({ jobs: [job(0)], memory: [sample(0, 1000)] }).rssSlopeBytesPerJob, 0)
    assert.strictEqual(summarize({ jobs: [job(0)], memory: [sample(0, 1000), sample(0, 2000)] }).rssSlopeBytesPerJob, 0)
    assert.strictEqual(summarize({}).rssSlopeBytesPerJob, 0)
  })

  it("weighs several samples between two results", () => {
    const memory = [sample(0, 0), sample(1, 10), sample(1, 20), sample(2, 30)]
    assert.strictEqual(summarize({ jobs: [job(0), job(1)], memory }).rssSlopeBytesPerJob, 15)
  })

  it("sets the CPU time in jobs against what workers and cores could have given", () => {
    const jobs = [job(0, { cpuMs: 900 }), job(1, { cpuMs: 600 }), job(2, { cpuMs: 100, status: "failed" })]
    assert.strictEqual(summarize({ jobs }).parallelEfficiency, 0.8)
    const oneCore = { ...environment, cores: 1 }
    assert.strictEqual(summarize({ jobs, environment: oneCore }).parallelEfficiency, 1.6)
    assert.strictEqual(summarize({ jobs, parameters: {} }).parallelEfficiency, 0.4)
    const ranBefore = job(3, { cpuMs: 900, takenOver: true })
    assert.strictEqual(summarize({ jobs: [...jobs, ranBefore] }).parallelEfficiency, 0.8)
  })

  it("counts the jobs that succeeded, by the second", () => {
    const jobs = [job(0), job(1), job(2, { status: "failed" }), job(3, { status: "killed" })]
    assert.strictEqual(summarize({ jobs, wallMs: 500 }).jobsPerSecond, 4)
  })

  it("peaks at the system's high-water mark, if it rose since the baseline", () => {
    const memory = [sample(0, 100, 500), sample(1, 300, 500), sample(2, 600, 700), sample(3, 200, 700)]
    const { baselineRssBytes, peakRssBytes } = summarize({ memory })
    assert.strictEqual(baselineRssBytes, 100)
    assert.strictEqual(peakRssBytes, 700)
  })

  it("peaks at the largest sample, where the high-water mark is older than the run", () => {
    const memory = [sample(0, 100, 500), sample(1, 300, 500), sample(2, 200, 500)]
    assert.strictEqual(summarize({ memory }).peakRssBytes, 300)
  })

  it("gives figures that a record can hold, also of a run that was over before it began", () => {
    const summary = summarize({ wallMs: 0 })
    assert.isTrue(Exit.isSuccess(Schema.decodeExit(RunRecord.Summary)(summary)), JSON.stringify(summary))
  })
})
