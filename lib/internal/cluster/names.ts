/** What the cluster calls a program's jobs. */
import type * as Job from "../../Job.ts"

/** How the names of jobs begin whose results are kept: what follows is the key. */
export const keyPrefix = "key/"

/** What its caller named a job whose result is kept; undefined where it is not. */
export const keyOf = (name: string) => name.startsWith(keyPrefix) ? name.slice(keyPrefix.length) : undefined

/** Under a run a job is known by its inputs, and by how many like it came before: others may come in another order. */
export const naming = (client: string, run: string | undefined) => {
  let numbered = 0
  /** How many jobs of the run there have been with the same input. */
  const alike = new Map<string, number>()
  return (key: string | undefined, job: Job.Any, inputHash: string): string => {
    if (key !== undefined) return `${keyPrefix}${key}`
    if (run === undefined) return `${client}/${numbered++}`
    const inputs = `${run}/${job.name}/${inputHash.slice(0, 16)}`
    const before = alike.get(inputs) ?? 0
    alike.set(inputs, before + 1)
    return `${keyPrefix}${inputs}/${before}`
  }
}
