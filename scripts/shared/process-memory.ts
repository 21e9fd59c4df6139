/** The memory of other processes, where the system tells it in files, as Linux does. */
import { readFileSync } from "node:fs"
import type { MemoryNow } from "./progress.ts"

/** Undefined on other systems, and once the process is gone. */
export const memoryOf = (pid: number): MemoryNow | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * 1024
    return { rssBytes: bytes("VmRSS"), maxRssBytes: bytes("VmHWM") }
  } catch {
    return undefined
  }
}
