/** What tells two versions of a job apart. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type * as Job from "../../Job.ts"

const hashes = new Map<string, string | undefined>()

/** The hash of the module that makes the job; undefined where its source cannot be read. */
export const sourceOf = (job: Job.Any): string | undefined => {
  if (!hashes.has(job.module)) hashes.set(job.module, hashOf(job.module))
  return hashes.get(job.module)
}

const hashOf = (module: string): string | undefined => {
  try {
    return createHash("sha256").update(readFileSync(fileURLToPath(module))).digest("hex").slice(0, 12)
  } catch {
    return undefined
  }
}
