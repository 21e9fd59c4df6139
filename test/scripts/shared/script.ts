/** Runs the scripts as their users do: each in a process of its own, judged by what it prints, leaves and exits with. */
import { Effect, type Scope } from "effect"
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import fs from "node:fs/promises"
import { createServer, type RequestListener, type Server } from "node:http"
import os from "node:os"
import path from "node:path"
import type { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../..", import.meta.url))

export const experiments = ["eager", "lazy", "remove", "loan"] as const

/** Jobs that no machine finishes in the time of a test; the memory that they ask for is hardly touched. */
export const busyLoops = ["--jobs", "4", "--workers", "2", "--count", "200000000", "--force"]

/** What a process has left. */
export interface Ended {
  /** As a shell tells it: of a process that a signal ended, 128 and the signal's number. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** The loader leaves much to compile, and each script starts anew. */
const compileCache = { NODE_COMPILE_CACHE: path.join(os.tmpdir(), "node-compile-cache") }

export interface Running {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  /** What has been printed so far. */
  readonly printed: () => string
  /** The same of standard error. */
  readonly errors: () => string
  /** Waits for the end of the process and of all that have its standard output and error from it. */
  readonly ended: Effect.Effect<Ended>
}

export interface Options {
  readonly env?: Record<string, string>
  readonly cwd?: string
}

/** Starts a program in a process group of its own, which ends with the scope at the latest. */
export const start = (
  program: string,
  args: ReadonlyArray<string>,
  { cwd = root, env = {} }: Options = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawn(program, args, {
          cwd,
          env: { ...process.env, ...compileCache, ...env },
          stdio: "pipe",
          detached: true
        })
        return { child, closed: closed(child) }
      }),
      ({ child, closed }) =>
        Effect.promise(() => {
          killGroup(child.pid!, "SIGKILL")
          child.stdout.destroy()
          child.stderr.destroy()
          return closed
        })
    ),
    ({ child, closed }) => {
      let stdout = ""
      let stderr = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text)
      child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text)
      return {
        pid: child.pid!,
        stdin: child.stdin,
        stdout: child.stdout,
        printed: () => stdout,
        errors: () => stderr,
        ended: Effect.promise(async () => ({ status: await closed, stdout, stderr }))
      }
    }
  )

const closed = (child: ChildProcessByStdio<Writable, Readable, Readable>) =>
  new Promise<number>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (status, signal) => resolve(status ?? 128 + os.constants.signals[signal!]))
  })

export const startNode = (args: ReadonlyArray<string>, options?: Options) =>
  start(process.execPath, ["--import", "tsx", ...args], options)

export const startScript = (name: string, args: ReadonlyArray<string>, options?: Options) =>
  startNode([`scripts/${name}.ts`, ...args], options)

/** Runs a script to its end. */
export const run = (name: string, args: ReadonlyArray<string>, options?: Options) =>
  Effect.scoped(Effect.flatMap(startScript(name, args, options), ({ ended }) => ended))

/** An empty folder for the time of a test. */
export const folder = Effect.acquireRelease(
  Effect.promise(async () => fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), "scripts-")))),
  (name) => Effect.promise(() => fs.rm(name, { recursive: true, force: true }))
)

/** Waits until something is so. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => condition() ? Effect.void : Effect.andThen(Effect.sleep("5 millis"), until(condition)))

/** Signals a process alone; as `Ctrl-C` does, all that are of its group, with {@link signalGroup}. */
export const signal = (pid: number, name: NodeJS.Signals) => Effect.sync(() => process.kill(pid, name))

export const signalGroup = (pid: number, name: NodeJS.Signals) => Effect.sync(() => killGroup(pid, name))

/** Whether any process of the group is there. */
export const isAlive = (group: number) => killGroup(group, 0)

const killGroup = (group: number, name: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-group, name)
  } catch {
    return false
  }
}

/** Runs effects side by side, no more of them than even a small machine has cores. */
export const together = <const Effects extends ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>>(
  ...effects: Effects
) => Effect.all(effects, { concurrency: 2 })

export const read = (file: string) => Effect.promise(() => fs.readFile(file, "utf8"))

export const write = (file: string, text: string) => Effect.promise(() => fs.writeFile(file, text))

export const filesIn = (name: string) => Effect.promise(async () => (await fs.readdir(name)).toSorted())

/** A program that not every machine has, by its name, if it can be run. */
export const isInstalled = (program: string) =>
  process.env["PATH"]!.split(path.delimiter).some((place) => existsSync(path.join(place, program)))

/** Node's own flag for a process that has so much memory to give. */
export const withFreeMemory = (bytes: number): Options => ({
  env: { NODE_OPTIONS: `--import=data:text/javascript,process.availableMemory=()=>${bytes}` }
})

/** A server for the time of a test; tells its port. */
export const listen = (handle: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer(handle).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close())
    ),
    (server) => (server.address() as { readonly port: number }).port
  )
