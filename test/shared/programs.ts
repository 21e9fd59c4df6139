/** Programs in a process of their own. */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { until } from "./until.ts"

export interface Program {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly isGone: () => boolean
  /** Whether nobody is left that could write to its standard output: neither the program nor a process that it began. */
  readonly isAllGone: () => boolean
}

/** Starts a program of `test/programs` at the head of a group of processes; all of it is killed with the scope. */
export const start = (file: string, ...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync((): Program => {
      const program = new URL(`../programs/${file}`, import.meta.url).pathname
      const child = spawn(process.execPath, [program, ...args], {
        detached: true,
        stdio: ["ignore", "pipe", "inherit"]
      })
      let stdout = ""
      let gone = false
      let allGone = false
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text
      })
      child.once("exit", () => {
        gone = true
      })
      child.once("close", () => {
        allGone = true
      })
      return { child, stdout: () => stdout, isGone: () => gone, isAllGone: () => allGone }
    }),
    (program) => Effect.ignore(Effect.try(() => signalGroup(program, "SIGKILL")))
  ).pipe(Effect.tap((program) => until(() => program.stdout().includes("ready\n") || program.isGone())))

/** As the terminal does on Ctrl-C. */
export const signalGroup = ({ child }: Program, signal: NodeJS.Signals): void => {
  process.kill(-child.pid!, signal)
}
