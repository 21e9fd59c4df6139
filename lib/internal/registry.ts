/** The jobs that this thread's modules have made, by module and name. Loads nothing of Effect. */
import { inspect } from "node:util"
import type * as Job from "../Job.ts"

const jobs = new Map<string, Job.Any | "ambiguous">()

const key = (module: string, name: string) => `${module}#${name}`

/** Two jobs of one name in one module cannot be told apart, so neither is found again. */
export const add = (job: Job.Any): void => {
  const id = key(job.module, job.name)
  jobs.set(id, jobs.has(id) ? "ambiguous" : job)
}

export const get = (module: string, name: string): Job.Any | "ambiguous" | undefined => jobs.get(key(module, name))

/** Whether `Job.make` can have made it. */
export const isJob = (u: unknown): u is Job.Any => {
  const job = u as Partial<Job.Any> | null | undefined
  return typeof job?.module === "string" && typeof job.name === "string"
}

/** @throws TypeError for what `Job.make` has not made. */
export const assertJob = (job: unknown): void => {
  if (!isJob(job)) throw new TypeError(`Expected a job, as Job.make makes it: received ${inspect(job)}`)
}

/** @throws TypeError for what has no length, or no places: it would never have settled. */
export const assertInputs = (inputs: unknown): void => {
  if (!Array.isArray(inputs)) throw new TypeError(`Expected an array of inputs: received ${inspect(inputs)}`)
}
