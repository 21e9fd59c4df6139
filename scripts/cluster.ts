#!/usr/bin/env -S npx tsx
/**
 * A cluster for `--executor cluster`: starts one on this machine, adds runners to it, shows what it does, stops it.
 *
 *     npx tsx scripts/cluster.ts up --runners 3 --detach
 *     npx tsx scripts/lazy.ts --executor cluster
 *     npx tsx scripts/cluster.ts down
 */
import "./shared/require-node.js"
import { Array as Arr, Console, Effect, Exit, Layer, Option, Schedule } from "effect"
import { Command, Flag } from "effect/cli"
import { spawn } from "node:child_process"
import fs from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { ClusterExecutor, type Job } from "../lib/mod.ts"
import * as figures from "./shared/figures.ts"
import * as flags from "./shared/flags.ts"
import { kernels } from "./shared/kernels.ts"
import * as local from "./shared/local-cluster.ts"
import { main, UsageError } from "./shared/main.ts"
import * as observability from "./shared/observability.ts"
import * as postgres from "./shared/postgres.ts"
import { commandOf } from "./shared/processes.ts"
import { asShown, canDraw, print, printJson } from "./shared/terminal.ts"
import { counted } from "./shared/words.ts"

const modules = Flag.Path("module").pipe(
  Flag.withDescription("A module whose exported jobs the runner runs; can be given several times (those of --kernel)"),
  Flag.atLeast(0)
)

const workers = flags.count("workers", 1, "How many jobs a runner runs at the same time")

const json = flags.toggle("json", "Print it as JSON, once")

const up = Command.make(
  "up",
  {
    runners: flags.count("runners", 3, "How many runners"),
    workers,
    module: modules,
    ...flags.cluster,
    port: flags.port("port", "The port of its own Postgres, by default a free one"),
    otlp: flags.otlp,
    detach: flags.toggle("detach", "Return when the cluster is up, and leave it up")
  },
  Effect.fn("up")(function*(input) {
    const folder = input.data
    const resultFolder = Option.getOrElse(
      input.results,
      // Who has brought a database may have runners elsewhere.
      () => Option.isNone(input.databaseUrl) ? path.join(folder, "results") : undefined
    )
    const claimed = { resultFolder, ownsDatabase: Option.isNone(input.databaseUrl), runners: [] }
    const begin = Effect.gen(function*() {
      const databaseUrl = yield* Option.match(input.databaseUrl, {
        onNone: () => Effect.map(postgres.start(folder, { port: Option.getOrUndefined(input.port) }), ({ url }) => url),
        onSome: Effect.succeed
      })
      local.write(folder, { ...claimed, databaseUrl })
      return databaseUrl
    })
    const startRunners = Effect.fnUntraced(function*(databaseUrl: string) {
      const runners = Array.from({ length: input.runners }, (_, n) => startRunner(folder, n, input))
      local.write(folder, { ...claimed, databaseUrl, runners })
      yield* ClusterExecutor.status({ databaseUrl }).pipe(
        Effect.repeat({
          until: (status) =>
            runners.every((runner) => status.runners.some(({ pid }) => pid === runner)) || !runners.every(isAlive),
          schedule: Schedule.spaced("100 millis")
        })
      )
      const dead = runners.findIndex((pid) => !isAlive(pid))
      if (dead !== -1) {
        return yield* Effect.fail(new UsageError(`A runner did not start: see ${logOf(folder, dead)}`))
      }
      const where = local.dataFlag(input.data)
      yield* Console.log(
        `${counted(input.runners, "runner")} ${input.runners === 1 ? "is" : "are"} up; ` +
          `npx tsx scripts/lazy.ts --executor cluster${where} uses ${input.runners === 1 ? "it" : "them"}`
      )
      if (!input.detach) yield* showUntilDown(folder, databaseUrl, claimed.ownsDatabase)
    })
    yield* Effect.acquireUseRelease(
      local.claim(folder, claimed),
      // An interruption waits until the server is up, and then it is stopped.
      () => Effect.flatMap(Effect.uninterruptible(begin), startRunners),
      (_, exit) => Exit.isSuccess(exit) ? Effect.void : Effect.ignore(stop(folder))
    )
  })
).pipe(Command.withDescription("Start a cluster on this machine"))

/** A process of its own, that goes on when this one ends. */
const startRunner = (
  folder: string,
  n: number,
  { module, otlp, workers }: {
    readonly module: ReadonlyArray<string>
    readonly otlp: Option.Option<string>
    readonly workers: number
  }
) => {
  const log = fs.openSync(logOf(folder, n), "a")
  const child = spawn(process.execPath, [
    ...process.execArgv,
    import.meta.filename,
    "runner",
    "--data",
    fs.realpathSync(folder),
    "--workers",
    String(workers),
    ...Option.match(otlp, { onNone: () => [], onSome: (url) => ["--otlp", url] }),
    ...module.flatMap((file) => ["--module", file])
  ], { detached: true, stdio: ["ignore", log, log] })
  fs.closeSync(log)
  child.unref()
  return child.pid!
}

const logOf = (folder: string, n: number) => path.join(folder, `runner-${n}.log`)

/** Tells whether there is such a process: it may have ended since somebody looked. */
const signal = (pid: number, name: NodeJS.Signals | 0) => {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

const isAlive = (pid: number) => signal(pid, 0)

const runner = Command.make(
  "runner",
  {
    ...flags.cluster,
    workers,
    module: modules,
    otlp: flags.otlp,
    metricsPort: flags.port("metrics-port", "Serve metrics for Prometheus at /metrics of this port")
  },
  Effect.fn("runner")(function*({ metricsPort, module, otlp, workers, ...where }) {
    const jobs = module.length === 0 ? [Object.values(kernels)] : yield* Effect.forEach(module, jobsOf)
    const cluster = yield* local.find(where)
    return yield* Layer.launch(
      ClusterExecutor.runner({
        ...cluster,
        maxWorkers: workers,
        minWorkers: workers,
        // A module can export one as its default as well, and another pass it on.
        jobs: [...new Set(jobs.flat())]
      }).pipe(
        Layer.merge(observability.prometheus(metricsPort)),
        Layer.provide(observability.otlp(otlp, "effect-futures runner"))
      )
    )
  })
).pipe(Command.withDescription("Run one more runner, here or on another machine, until it is told to stop"))

/** The jobs that a module exports. */
const jobsOf = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      const exported = await import(pathToFileURL(file).href) as Record<string, unknown>
      return Object.values(exported).filter(isJob)
    },
    catch: (cause) => new UsageError(`--module ${file} cannot be imported: ${String(cause)}`)
  }).pipe(
    (imported) => unlessItExits(imported, file),
    Effect.filterOrFail(Arr.isArrayNonEmpty, () =>
      new UsageError(`--module ${file} exports no job: expected one or more`))
  )

/** A module that ends the process as it is imported would end it without a word. */
const unlessItExits = <A, E>(imported: Effect.Effect<A, E>, file: string) => {
  const sayWhy = () => {
    console.error(
      `--module ${file} ends the process when it is imported: expected a module that makes jobs, its own program after ` +
        "if (import.meta.main)"
    )
    process.exitCode = 2
  }
  return Effect.acquireUseRelease(
    Effect.sync(() => process.once("exit", sayWhy)),
    () => imported,
    () => Effect.sync(() => process.off("exit", sayWhy))
  )
}

const isJob = (u: unknown): u is Job.Any =>
  typeof u === "object" && u !== null && "run" in u && "module" in u && "name" in u

const status = Command.make(
  "status",
  { ...flags.cluster, json },
  Effect.fn("status")(function*({ json, ...where }) {
    const { databaseUrl } = yield* local.find(where)
    if (!json && canDraw(process.stdout)) return yield* show(databaseUrl)
    const now = yield* ClusterExecutor.status({ databaseUrl })
    yield* json ? printJson(now) : print(draw(now))
  })
).pipe(Command.withDescription("Show runners and jobs"))

/** Draws the status anew each second. */
const show = (databaseUrl: string) =>
  ClusterExecutor.status({ databaseUrl }).pipe(
    Effect.flatMap((now) =>
      canDraw(process.stdout) ? Console.log(`\u001b[H\u001b[2J${asShown(draw(now))}\n\nCtrl-C ends this`) : Effect.void
    ),
    Effect.repeat(Schedule.spaced("1 second"))
  )

/** Draws it until somebody takes the cluster down. A database that is not its own can be away meanwhile. */
const showUntilDown = (folder: string, databaseUrl: string, ownsDatabase: boolean) =>
  Effect.raceFirst(
    show(databaseUrl).pipe(
      // Who takes it down stops the database first.
      Effect.tapError(() => Effect.sleep("3 seconds")),
      Effect.retry({ while: () => !ownsDatabase })
    ),
    local.read(folder).pipe(
      Effect.repeat({ until: Option.isNone, schedule: Schedule.spaced("500 millis") }),
      Effect.andThen(Console.log("The cluster was taken down"))
    )
  )

const draw = ({ jobs, runners }: ClusterExecutor.Status) =>
  [
    figures.table(
      ["runner", "shards", "workers", "busy", "ended", "runs"],
      runners.map(({ address, busy, ended, running, shards, workers }) => [
        address,
        String(shards),
        String(workers),
        String(busy),
        String(ended),
        running.map(({ job, key, ms }) => `${key ?? job} ${(ms / 1000).toFixed(1)} s`).join(", ")
      ])
    ),
    figures.table(
      ["jobs", "waiting", "running", "done", "failed", "a second"],
      [["", ...[jobs.waiting, jobs.running, jobs.done, jobs.failed].map(String), jobs.perSecond.toFixed(1)]]
    )
  ].join("\n")

const down = Command.make(
  "down",
  { folder: flags.cluster.data },
  Effect.fn("down")(function*({ folder }) {
    if (!(yield* stop(folder))) return yield* Effect.fail(new UsageError(`No cluster is up in ${folder}`))
  })
).pipe(Command.withDescription("Stop the cluster of this machine: its runners end what they run and take no more"))

/** How long runners have to stop: longer than they give to what they run. */
const stopTimeout = "15 seconds"

/** Stops the runners, which end what they run, and then the database; tells whether there was a cluster. */
const stop = Effect.fnUntraced(function*(folder: string) {
  const found = yield* local.read(folder)
  if (Option.isNone(found)) return false
  const cluster = found.value
  const command = ` runner --data ${fs.realpathSync(folder)} `
  const isRunner = (pid: number) => commandOf(pid).includes(command)
  const runners = cluster.runners.filter(isRunner)
  for (const pid of runners) signal(pid, "SIGTERM")
  yield* Effect.sync(() => runners.some(isRunner)).pipe(
    Effect.repeat({ while: (some) => some, schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOption(stopTimeout)
  )
  for (const pid of runners.filter(isRunner)) {
    yield* Console.error(`Runner ${pid} did not stop and was killed: what it ran begins anew when a cluster is up`)
    signal(pid, "SIGKILL")
  }
  if (cluster.ownsDatabase) {
    yield* tellOthers(cluster)
    yield* postgres.stop(folder)
  }
  local.remove(folder)
  return true
})

/** Runners that were started by hand go on, and have no database any more. */
const tellOthers = Effect.fnUntraced(function*({ databaseUrl, runners }: local.LocalCluster) {
  if (databaseUrl === undefined) return
  const left = yield* ClusterExecutor.status({ databaseUrl }).pipe(
    Effect.map((status) => status.runners.filter(({ pid }) => !runners.includes(pid))),
    // Ctrl-C ends what compiles for tsx as well, and what asks can then not be loaded.
    Effect.catchCause(() => Effect.succeed([]))
  )
  for (const { address } of left) {
    yield* Console.error(`Runner ${address} was not started by up and loses its database: stop it as well`)
  }
})

export const command = Command.make("cluster").pipe(
  Command.withDescription("A cluster for --executor cluster"),
  Command.withSubcommands([up, runner, status, down])
)

if (import.meta.main) main(command)
