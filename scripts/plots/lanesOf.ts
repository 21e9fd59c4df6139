import type { RunRecord } from "../../lib/mod.ts"

export interface Lanes {
  /** For each lane the spans of time in which jobs ran. */
  readonly lanes: ReadonlyArray<ReadonlyArray<Span>>
  /** Jobs of workers for whom there was no lane left. */
  readonly omittedJobs: number
}

/** One job, or several that began at about the same time. */
export interface Span {
  /** In seconds since the run began. */
  readonly from: number
  readonly to: number
  readonly worker: number
  readonly firstJob: number
  readonly jobs: number
  readonly unsuccessful: number
  /** For how much of the time jobs ran, from 0 to 1. */
  readonly busy: number
}

/** More could not be told apart in a chart. */
const [mostLanes, mostSpans] = [64, 3000]

/**
 * Who ran what, and when. A worker keeps its lane, and one that takes the place of another takes its lane, too. Where
 * there are too many jobs to be drawn, those that began at about the same time become one span.
 */
export const lanesOf = ({ jobs, summary }: RunRecord.RunRecord, isRunning: boolean): Lanes => {
  const ran: Array<Ran> = jobs.flatMap((job) => {
    if (job.startedMs === undefined) return []
    const isUnsuccessful = job.status !== "succeeded" && !(isRunning && job.returnedMs === undefined)
    const { returnedMs = summary.wallMs, startedMs, workerId = 0 } = job
    return { job: job.job, worker: workerId, from: startedMs, to: Math.max(startedMs, returnedMs), isUnsuccessful }
  }).toSorted((a, b) => a.from - b.from)

  const lanes: Array<Array<Ran>> = []
  let omittedJobs = 0
  for (const jobs of Map.groupBy(ran, ({ worker }) => worker).values()) {
    const free = lanes.find((lane) => lane.at(-1)!.to <= jobs[0]!.from)
    if (free !== undefined) { for (const job of jobs) free.push(job) }
    else if (lanes.length < mostLanes) lanes.push(jobs)
    else omittedJobs += jobs.length
  }
  const end = ran.reduce((latest, { to }) => Math.max(latest, to), 0)
  const stepMs = ran.length <= mostSpans ? 0 : end * lanes.length / mostSpans
  return { lanes: lanes.map((lane) => merge(lane, stepMs)), omittedJobs }
}

interface Ran {
  readonly job: number
  readonly worker: number
  readonly from: number
  readonly to: number
  readonly isUnsuccessful: boolean
}

const merge = (lane: ReadonlyArray<Ran>, stepMs: number): Array<Span> =>
  [...Map.groupBy(lane, ({ from }, n) => stepMs > 0 ? Math.floor(from / stepMs) : n).values()].map((jobs) => {
    const [{ from, job, worker }] = jobs as [Ran]
    const to = jobs.reduce((latest, job) => Math.max(latest, job.to), 0)
    const busyMs = jobs.reduce((sum, job) => sum + job.to - job.from, 0)
    return {
      from: from / 1000,
      to: to / 1000,
      worker,
      firstJob: job,
      jobs: jobs.length,
      unsuccessful: jobs.filter(({ isUnsuccessful }) => isUnsuccessful).length,
      busy: to > from ? Math.min(1, busyMs / (to - from)) : 1
    }
  })
