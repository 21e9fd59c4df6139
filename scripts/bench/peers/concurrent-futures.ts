/** CPython's own pool, in a process of its own that measures itself. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { RunRecord } from "../../../lib/mod.ts"

const script = fileURLToPath(new URL("concurrent_futures.py", import.meta.url))

export const sample = async (parameters: object): Promise<RunRecord.BenchSample> => {
  const { stdout } = await promisify(execFile)("python3", [script, JSON.stringify(parameters)])
  return JSON.parse(stdout)
}
