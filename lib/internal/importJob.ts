/** Finds a job by importing the module that makes it. */
import { AsyncLocalStorage } from "node:async_hooks"
import type * as Job from "../Job.ts"
import * as registry from "./registry.ts"

/** Why modules cannot be imported, which may have made their jobs all the same. */
const failures = new Map<string, unknown>()

const importing = new AsyncLocalStorage<string>()

/** The module that a worker's importing it has begun to run what calls this, so that every worker would. */
export const importingModule = (): string | undefined => importing.getStore()

export const importJob = (address: unknown): Job.Any | Promise<Job.Any> => {
  const { module, name } = address as Pick<Job.Any, "module" | "name">
  if (failures.has(module)) throw failures.get(module)
  const job = registry.get(module, name)
  return job === undefined || job === "ambiguous" ? importThenFind(module, name) : job
}

const importThenFind = async (module: string, name: string): Promise<Job.Any> => {
  try {
    await importing.run(module, () => import(module))
  } catch (cause) {
    failures.set(module, cause)
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
