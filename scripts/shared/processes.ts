/** What the system tells of other processes. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import type { MemoryNow } from "./progress.ts"

/**
 * The words that started a process, each with a space after it; none once it has ended. A number alone may be another
 * process's by now, after a restart of the machine for sure.
 */
export const commandOf = (pid: number): string => {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
    return `${execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" }).trimEnd()} `
  } catch {
    return ""
  }
}

/** The memory of a process; undefined once it is gone, and where the system does not tell it in files, as Linux does. */
export const memoryOf = (pid: number): MemoryNow | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * 1024
    return { rssBytes: bytes("VmRSS"), maxRssBytes: bytes("VmHWM") }
  } catch {
    return undefined
  }
}
