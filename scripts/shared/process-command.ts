/** What other processes are: a number alone may be that of another one by now, after a restart of the machine for sure. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** The words that started a process, each with a space after it; none once it has ended. */
export const commandOf = (pid: number): string => {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
    return `${execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" }).trimEnd()} `
  } catch {
    return ""
  }
}
