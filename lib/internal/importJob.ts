/** Finds a job by importing the module that makes it. */
import { AsyncLocalStorage } from "node:async_hooks"
import type * as Job from "../Job.ts"
import * as registry from "./registry.ts"

/** Modules that could not be imported, and may have made their jobs all the same; each time it is tried again. */
const failed = new Set<string>()

const importing = new AsyncLocalStorage<string>()

/** The module that a worker's importing it has begun to run what calls this, so that every worker would. */
export const importingModule = (): string | undefined => importing.getStore()

export const importJob = (address: unknown): Job.Any | Promise<Job.Any> => {
  const { module, name } = address as Pick<Job.Any, "module" | "name">
  const job = failed.has(module) ? undefined : registry.get(module, name)
  return job === undefined || job === "ambiguous" ? importThenFind(module, name) : job
}

const importThenFind = async (module: string, name: string): Promise<Job.Any> => {
  try {
    await importing.run(module, () => import(module))
    failed.delete(module)
  } catch (cause) {
    failed.add(module)
    throw cause
  }
  const job = registry.get(module, name)
  if (job === "ambiguous") {
    throw new Error(`${module} makes more than one job named "${name}": expected a name to be unique in its module`)
  }
  if (job === undefined) {
    throw new Error(
      `${module} makes no job named "${name}" at its top level: expected Job.make(import.meta, "${name}", …)`
    )
  }
  return job
}
