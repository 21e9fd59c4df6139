import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { held, keepInFlight, once, rate } from "../../../scripts/bench/measure.ts"

/** What the system tells of this process; work changes it. */
let now = { rss: 0, maxRss: 0, cpuMs: 0, atMs: 0 }
let collections = 0

beforeEach(() => {
  now = { rss: 100e6, maxRss: 400e6, cpuMs: 50, atMs: 0 }
  collections = 0
  vi.stubGlobal("gc", () => collections++)
  vi.spyOn(process.memoryUsage, "rss").mockImplementation(() => now.rss)
  vi.spyOn(process, "resourceUsage").mockImplementation(() => ({ maxRSS: now.maxRss / 1024 }) as NodeJS.ResourceUsage)
  vi.spyOn(process, "cpuUsage").mockImplementation((before = { user: 0, system: 0 }) => ({
    user: now.cpuMs * 750 - before.user,
    system: now.cpuMs * 250 - before.system
  }))
  vi.spyOn(performance, "now").mockImplementation(() => now.atMs)
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const work = (after: Partial<typeof now>) => async () => {
  assert.isAbove(collections, 0, "what was there before does not count")
  now = { ...now, ...after }
}

describe("once", () => {
  it("tells the time and the processor's, of user and system, and the growth to the mark that rose", async () => {
    const sample = await once(work({ atMs: 2000, cpuMs: 3050, rss: 300e6, maxRss: 900e6 }), 7)
    assert.deepStrictEqual(sample, { wallMs: 2000, cpuMs: 3000, peakGrowthBytes: 800e6, jobs: 7 })
  })

  it("takes what is resident for the peak where the mark is older, and nothing for less than before", async () => {
    assert.deepInclude(await once(work({ rss: 130e6 })), { peakGrowthBytes: 30e6 })
    const sample = await once(work({ rss: 90e6 }))
    assert.strictEqual(sample.peakGrowthBytes, 0)
    assert.notProperty(sample, "jobs")
  })
})

describe("held", () => {
  it("tells what is still resident after a collection", async () => {
    const sample = await held(async () => {
      now = { ...now, rss: 190e6 }
      vi.stubGlobal("gc", () => now = { ...now, rss: Math.min(now.rss, 120e6) })
    }, 3)
    assert.deepStrictEqual([sample.heldBytes, sample.peakGrowthBytes, sample.jobs], [20e6, 90e6, 3])
    assert.strictEqual((await held(async () => void (now = { ...now, rss: 50e6 }))).heldBytes, 0)
  })
})

/** Measures jobs that take so long in each batch, and tells the sizes of the batches. */
const measure = async (msOf: (jobs: number) => number, quick = false) => {
  const ran: Array<number> = []
  const sample = await rate(async (jobs) => {
    ran.push(jobs)
    now = { ...now, atMs: now.atMs + jobs * msOf(jobs) }
  }, { jobs: 1, count: 1, workers: 1, quick })
  assert.strictEqual(collections, 1, "compiled code is kept")
  return { ran, sample }
}

describe("rate", () => {
  it("warms up in doubling batches until one is no faster by a tenth, and measures a second of its rate", async () => {
    const { ran, sample } = await measure((jobs) => ({ 8: 100, 16: 50, 32: 40, 64: 10 })[jobs] ?? 9.5)
    assert.deepStrictEqual(ran, [8, 16, 32, 64, 128, 105])
    assert.deepInclude(sample, { jobs: 105, wallMs: 997.5 })
  })

  it("warms up for two seconds at least and five at most, and for a hundredth of that where it is quick", async () => {
    const steady = await measure(() => 10)
    assert.deepStrictEqual(steady.ran, [8, 16, 32, 64, 128, 100])
    collections = 0
    const faster = await measure((jobs) => 1000 / jobs)
    assert.deepStrictEqual(faster.ran, [8, 16, 32, 64, 128, 256, 512, 512])
    collections = 0
    assert.deepStrictEqual((await measure(() => 0.5, true)).ran, [8, 16, 32, 20])
  })

  it("measures one job where not even that is done in the time", async () => {
    assert.deepStrictEqual((await measure(() => 5000)).ran, [8, 16, 1])
  })
})

describe("keepInFlight", () => {
  it("runs so many jobs, no more of them at a time than it is told, each in a lane of its own", async () => {
    for (const [inFlight, jobs] of [[3, 10], [8, 2]] as const) {
      const lanes = new Set<number>()
      let [ran, most] = [0, 0]
      await keepInFlight(inFlight, jobs, async (lane) => {
        assert.isFalse(lanes.has(lane))
        lanes.add(lane)
        ran++
        most = Math.max(most, lanes.size)
        await Promise.resolve()
        lanes.delete(lane)
      })
      assert.deepStrictEqual([ran, most], [jobs, Math.min(inFlight, jobs)])
    }
  })
})
