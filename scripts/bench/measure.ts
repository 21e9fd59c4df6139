/** How a sample is taken, in the process of its own that it has. */
import { setTimeout } from "node:timers/promises"
import type { RunRecord } from "../../lib/mod.ts"
import type { Sizes } from "./case.ts"

type Sample = RunRecord.BenchSample

/** Measures `work`, which does `jobs` jobs. */
export const once = async (work: () => Promise<unknown>, jobs?: number): Promise<Sample> => {
  collect()
  return measured(work, jobs)
}

const measured = async (work: () => Promise<unknown>, jobs?: number): Promise<Sample> => {
  const before = memory()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const wallMs = performance.now() - startedAt
  const { system, user } = process.cpuUsage(cpuBefore)
  return { wallMs, cpuMs: (system + user) / 1000, peakGrowthBytes: growth(before, memory()), ...(jobs && { jobs }) }
}

/** As `once`, and what is still held when all has come to rest. */
export const held = async (work: () => Promise<unknown>, jobs?: number): Promise<Sample> => {
  collect()
  const before = memory()
  const sample = await once(work, jobs)
  await setTimeout(500)
  collect()
  return { ...sample, heldBytes: Math.max(0, memory().rss - before.rss) }
}

/**
 * Measures as many jobs as `run` does in about a second, after warming up.
 *
 * Compilers take up to hundreds of thousands of jobs to make up their minds. The warm-up begins when the workers are up
 * and consists of batches, each twice as large as the one before: for two seconds at least, and until a batch is no
 * faster than the one before by a tenth, or five seconds have passed. The last one's rate tells how many jobs are
 * measured.
 */
export const rate = async (run: (jobs: number) => Promise<unknown>, { quick }: Sizes): Promise<Sample> => {
  const ms = quick ? 10 : 1000
  await run(8)
  // Not after the warm-up: it would throw compiled code away.
  collect()
  const startedAt = performance.now()
  let rateBefore = 0
  for (let batch = 16;; batch *= 2) {
    const batchStartedAt = performance.now()
    await run(batch)
    const now = performance.now()
    const rate = batch / (now - batchStartedAt)
    const isWarm = now - startedAt > 5 * ms || (now - startedAt > 2 * ms && rate < 1.1 * rateBefore)
    rateBefore = rate
    if (!isWarm) continue
    const jobs = Math.max(1, Math.round(rate * ms))
    return measured(() => run(jobs), jobs)
  }
}

/** Runs `jobs` jobs, `inFlight` of them at the same time; each is told its lane. */
export const keepInFlight = (
  inFlight: number,
  jobs: number,
  run: (lane: number) => PromiseLike<unknown>
): Promise<unknown> => {
  let left = jobs
  const lane = async (_: unknown, n: number) => {
    while (left-- > 0) await run(n)
  }
  return Promise.all(Array.from({ length: inFlight }, lane))
}

const collect = () => gc!()

const memory = () => ({ rss: process.memoryUsage.rss(), maxRss: process.resourceUsage().maxRSS * 1024 })

/** The most that was resident, less what was before; a high-water mark that did not rise is older than the work. */
const growth = (before: ReturnType<typeof memory>, after: ReturnType<typeof memory>) =>
  Math.max(0, (after.maxRss > before.maxRss ? after.maxRss : after.rss) - before.rss)
