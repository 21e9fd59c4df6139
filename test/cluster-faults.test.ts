/** What becomes of 200 jobs when a part of their cluster dies, freezes or is cut off: real processes on loopback. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Schedule, type Scope, Stream } from "effect"
import { SqlClient } from "effect/sql"
import fs from "node:fs"
import path from "node:path"
import * as ClusterDatabase from "../lib/internal/cluster/Database.ts"
import * as JobTable from "../lib/internal/cluster/JobTable.ts"
import { persist } from "../lib/internal/cluster/persist.ts"
import { ClusterExecutor, Executor, ResultStore } from "../lib/mod.ts"
import * as postgres from "../scripts/shared/postgres.ts"
import { commandOf } from "../scripts/shared/processes.ts"
import * as buffers from "./jobs/buffers.ts"
import * as jobs from "./jobs/cluster.ts"
import * as Notes from "./jobs/notes.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { connection, Database, program, startRunner } from "./shared/cluster.ts"
import * as Programs from "./shared/programs.ts"
import { makeProxy, type Proxy } from "./shared/proxy.ts"
import { keepBusy, until, untilStats } from "./shared/until.ts"

const count = 200
const ms = 30
const labels = Array.from({ length: count }, (_, label) => label)

/** Longer than a runner's locks live. */
const longerThanLocks = "4500 millis"

interface Outcome {
  /** In the order in which they arrived, and when. */
  readonly arrived: ReadonlyArray<{ readonly label: number; readonly at: number }>
  /** What had arrived when the fault struck. */
  readonly before: ReadonlySet<number>
  readonly notes: ReadonlyArray<string>
  readonly struckAt: number
}

/** Runs the jobs, and strikes when a quarter of the results has arrived. */
const survive = <E, R>(strike: Effect.Effect<unknown, E, R>, databaseUrl?: string) =>
  Effect.gen(function*() {
    const notes = yield* makeNotes
    const arrived: Array<{ readonly label: number; readonly at: number }> = []
    const run = yield* Stream.fromIterable(labels).pipe(
      Stream.mapEffect((label) => Executor.run(jobs.spin, { notes, label, ms }), { concurrency: 12, unordered: true }),
      Stream.runForEach(({ label }) => Effect.sync(() => arrived.push({ label, at: performance.now() }))),
      Effect.provide(program({ maxWorkers: 12, ...(databaseUrl !== undefined && { databaseUrl }) })),
      Effect.forkChild
    )
    yield* until(() => arrived.length >= count / 4)
    const before = new Set(arrived.map(({ label }) => label))
    Notes.write(notes, "fault")
    const struckAt = performance.now()
    yield* strike
    yield* Fiber.join(run)
    return { arrived, before, struckAt, notes: Notes.lines(notes) } satisfies Outcome
  })

/** Hands a job over, and lets its program not hear that the cluster has it. */
const unheard = <A, R>(submit: Effect.Effect<A, never, R>, proxy: Proxy) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    return yield* sql.withTransaction(Effect.gen(function*() {
      yield* sql`LOCK TABLE effect_futures_queue`
      const submitted = yield* submit
      yield* sql`SELECT pid FROM pg_locks WHERE NOT granted`.pipe(
        Effect.repeat({ until: (waiting) => waiting.length > 0 })
      )
      yield* proxy.mute
      return submitted
    }))
  })

const thrice = function*(piece: Uint8Array, andThen: Effect.Effect<void>) {
  for (let n = 0; n < 3; n++) {
    yield piece
    Effect.runSync(andThen)
  }
}

/** Each result arrived once, and nothing that had arrived was begun again. */
const assertWhole = ({ arrived, before, notes }: Outcome) => {
  assert.deepStrictEqual(arrived.map(({ label }) => label).toSorted((a, b) => a - b), labels)
  const begunAgain = notes.slice(notes.indexOf("fault")).flatMap((line) => {
    const [what, label] = line.split(" ")
    return what === "begin" && before.has(Number(label)) ? Number(label) : []
  })
  assert.deepStrictEqual(begunAgain, [])
}

/** How often each job was begun that was begun more than once. */
const begunMoreThanOnce = ({ notes }: Outcome) =>
  labels.filter((label) => notes.filter((line) => line.startsWith(`begin ${label} `)).length > 1)

const longestSilence = ({ arrived, struckAt }: Outcome) => {
  const times = [struckAt, ...arrived.map(({ at }) => at).filter((at) => at > struckAt)]
  return Math.max(...times.slice(1).map((at, n) => at - times[n]!))
}

/** What `cluster-client.ts` has printed. */
const resultsOf = ({ stdout }: Programs.Program) =>
  [...stdout().matchAll(/^result (\d+) (.+)\n/gm)].map(([, label, what]) => [Number(label), what] as const)

const startRunners = Effect.forEach([1, 2, 3], () => startRunner(), { concurrency: "unbounded" })

const kill = (program: Programs.Program, signal: NodeJS.Signals) =>
  Effect.sync(() => Programs.signalGroup(program, signal))

const restart = Effect.gen(function*() {
  const { folder, port } = yield* Database
  yield* postgres.stop(folder)
  yield* postgres.start(folder, { port, isDurable: false })
})

/** Has the server crash right after, with all that does not wait for the disk. */
const crashAfter = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const { folder, port } = yield* Database
    const sql = yield* SqlClient.SqlClient
    // What does not wait for the disk gets there no sooner.
    yield* sql`ALTER SYSTEM SET wal_writer_delay = '10 s'`
    yield* sql`SELECT pg_reload_conf()`
    yield* sql`CHECKPOINT`
    const result = yield* effect
    const [server] = fs.readFileSync(path.join(folder, "data", "postmaster.pid"), "utf8").split("\n")
    process.kill(Number(server), "SIGQUIT")
    yield* until(() => commandOf(Number(server)) === "")
    yield* postgres.start(folder, { port, isDurable: false })
    yield* persist(sql`ALTER SYSTEM RESET wal_writer_delay`)
    return result
  }).pipe(Effect.provide(connection))

layer(Database.layer, { excludeTestServices: true, timeout: "1 minute" })("a cluster of three runners", (it) => {
  const faults: ReadonlyArray<
    readonly [
      string,
      (
        runners: ReadonlyArray<Programs.Program>
      ) => Effect.Effect<unknown, unknown, Database | Scope.Scope>
    ]
  > = [
    ["a runner that is killed", ([runner]) => kill(runner!, "SIGKILL")],
    ["a runner that is told to stop", ([runner]) => kill(runner!, "SIGTERM")],
    ["a restart of the database", () => restart]
  ]
  for (const [name, strike] of faults) {
    it.effect(`survives ${name}`, () =>
      Effect.gen(function*() {
        const runners = yield* startRunners
        const outcome = yield* survive(strike(runners))
        assertWhole(outcome)
        assert.isBelow(longestSilence(outcome), 5000)
        assert.isAtMost(begunMoreThanOnce(outcome).length, 3)
      }))
  }

  it.effect("survives a runner that freezes, whose late result nobody hears of", () =>
    Effect.gen(function*() {
      const [frozen] = yield* startRunners
      const outcome = yield* survive(
        Effect.andThen(kill(frozen!, "SIGSTOP"), Effect.sleep(longerThanLocks)).pipe(
          Effect.andThen(kill(frozen!, "SIGCONT"))
        )
      )
      assertWhole(outcome)
      assert.isAtMost(begunMoreThanOnce(outcome).length, 1)
      // It is of use again.
      const notes = yield* makeNotes
      const pids = yield* Effect.forEach(labels.slice(0, 12), (label) =>
        Executor.run(jobs.spin, { notes, label, ms: 50 }), { concurrency: 12 }).pipe(
          Effect.map((results) =>
            results.map(({ pid }) =>
              pid
            )
          ),
          Effect.provide(program({ maxWorkers: 12 }))
        )
      assert.include(pids, frozen!.child.pid)
    }))

  for (const how of ["cut", "freeze"] as const) {
    it.effect(`survives a network that is ${how === "cut" ? "cut" : "silent"} between the program and the rest`, () =>
      Effect.gen(function*() {
        const { port, url } = yield* Database
        yield* startRunners
        const proxy = yield* makeProxy(port)
        const outcome = yield* survive(
          Effect.andThen(proxy[how], Effect.sleep("1 second")).pipe(Effect.andThen(proxy.mend)),
          url.replace(`:${port}/`, `:${proxy.port}/`)
        )
        assertWhole(outcome)
        assert.deepStrictEqual(begunMoreThanOnce(outcome), [])
      }))

    it.effect(`survives a network that is ${how === "cut" ? "cut" : "silent"} between a runner and the rest`, () =>
      Effect.gen(function*() {
        const { port, url } = yield* Database
        const proxy = yield* makeProxy(port)
        yield* startRunner(1, url.replace(`:${port}/`, `:${proxy.port}/`))
        yield* startRunner()
        const outcome = yield* survive(
          Effect.andThen(proxy[how], Effect.sleep(longerThanLocks)).pipe(Effect.andThen(proxy.mend))
        )
        assertWhole(outcome)
        assert.isBelow(longestSilence(outcome), 5000)
        assert.isAtMost(begunMoreThanOnce(outcome).length, 1)
      }))
  }

  it.effect("ends a program and a runner though their network is silent for good", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const databaseUrl = url.replace(`:${port}/`, `:${proxy.port}/`)
      const runner = ClusterExecutor.runner({ databaseUrl, jobs: [values.square], drainTimeout: 0 })
      const squared = yield* Effect.tap(Executor.run(values.square, 3), proxy.freeze).pipe(
        Effect.provide([program({ databaseUrl }), runner])
      )
      assert.strictEqual(squared, 9)
    }))

  /** The database by a proxy, on one connection. */
  const proxied = Effect.gen(function*() {
    const { port, url } = yield* Database
    const proxy = yield* makeProxy(port)
    const database = ClusterDatabase.layer({
      databaseUrl: url.replace(`:${port}/`, `:${proxy.port}/`),
      name: "effect-futures test",
      maxConnections: 1,
      isDurable: false
    })
    return { database, mute: proxy.mute, cut: Effect.andThen(proxy.cut, proxy.mend) }
  })

  it.effect("tries a transaction again whose connection was cut", () =>
    Effect.gen(function*() {
      const { cut, database } = yield* proxied
      let tries = 0
      const sum = yield* SqlClient.SqlClient.use((sql) =>
        persist(sql.withTransaction(Effect.gen(function*() {
          if (tries++ === 0) yield* cut
          return yield* sql`SELECT 1 + 1 AS sum`
        })))
      ).pipe(Effect.provide(database))
      assert.deepStrictEqual(sum, [{ sum: 2 }])
      assert.strictEqual(tries, 2)
    }))

  it.effect("does not take over a job without a key whose acceptance was not heard of", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const sql = yield* SqlClient.SqlClient
      const settled: Array<Executor.JobEvent> = []
      const submit = Executor.submit(values.square, 3).pipe(
        Effect.provideService(Executor.JobObserver, (event) => event._tag === "Settled" && settled.push(event))
      )
      yield* Effect.gen(function*() {
        const fiber = yield* unheard(submit, proxy)
        yield* startRunner()
        yield* sql`SELECT id FROM effect_futures_jobs WHERE job = 'square' AND state = 'done'`.pipe(
          Effect.repeat({ until: (done) => done.length > 0 })
        )
        yield* Effect.andThen(proxy.cut, proxy.mend)
        assert.strictEqual(yield* Fiber.join(fiber), 9)
        assert.deepStrictEqual(settled.map((event) => "isTakenOver" in event), [false])
      }).pipe(Effect.provide(program({ databaseUrl: url.replace(`:${port}/`, `:${proxy.port}/`) })))
    }).pipe(Effect.provide(connection)))

  it.effect("keeps the large result of a runner that did not hear that its job's end was accepted", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const [notes, resultFolder] = [yield* makeNotes, yield* makeNotes]
      const sql = yield* SqlClient.SqlClient
      const databaseUrl = url.replace(`:${port}/`, `:${proxy.port}/`)
      const runner = ClusterExecutor.runner({ databaseUrl, resultFolder, jobs: [buffers.whenOpen] })
      const ask = Executor.run(buffers.whenOpen, notes, { key: "unheard" })
      yield* Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(ask)
        yield* until(() => Notes.lines(notes).length > 0)
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql`SELECT id FROM effect_futures_jobs WHERE id = 'key/unheard' FOR UPDATE`
          Notes.openGate(notes)
          yield* sql`SELECT pid FROM pg_locks WHERE NOT granted`.pipe(
            Effect.repeat({ until: (waiting) => waiting.length > 0 })
          )
          yield* proxy.mute
        }))
        yield* Fiber.join(fiber)
        yield* Effect.andThen(proxy.cut, proxy.mend)
        yield* sql`SELECT id FROM effect_futures_queue WHERE element LIKE '%unheard%' AND state = 'completed'`.pipe(
          Effect.repeat({ until: (completed) => completed.length > 0 })
        )
      }).pipe(Effect.provide(Layer.merge(runner, program({ resultFolder }))))
      assert.lengthOf(yield* Effect.provide(ask, program({ resultFolder })), 2_000_000)
    }).pipe(Effect.provide(connection)))

  it.effect("leaves no job behind when its program ends, however many there are, and however far the database is", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const status = ClusterExecutor.status({ databaseUrl: url })
      yield* Effect.gen(function*() {
        yield* Effect.forEach(Array.from({ length: 500 }), () => Executor.submit(values.square, 3))
        yield* Effect.repeat(status, { until: ({ jobs }) => jobs.waiting === 500 })
        yield* proxy.delay(50)
      }).pipe(Effect.provide(program({ databaseUrl: url.replace(`:${port}/`, `:${proxy.port}/`), maxWorkers: 500 })))
      assert.strictEqual((yield* status).jobs.waiting, 0)
    }))

  it.effect("leaves nothing of a job that has ended when its program, which ends, cancels it", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const resultFolder = yield* makeNotes
      const sql = yield* SqlClient.SqlClient
      const databaseUrl = url.replace(`:${port}/`, `:${proxy.port}/`)
      yield* Effect.gen(function*() {
        yield* unheard(Effect.forkChild(Executor.run(values.echo, new Uint8Array(2_000_000))), proxy)
        yield* sql`SELECT id FROM effect_futures_jobs WHERE job = 'echo' AND state = 'done'`.pipe(
          Effect.repeat({ until: (done) => done.length > 0 }),
          Effect.provide(ClusterExecutor.runner({ databaseUrl: url, resultFolder, jobs: [values.echo] }))
        )
        yield* Effect.forkDetach(Effect.delay(Effect.andThen(proxy.cut, proxy.mend), "500 millis"))
      }).pipe(Effect.provide(program({ databaseUrl, resultFolder })))
      assert.deepStrictEqual(fs.readdirSync(resultFolder), [])
    }).pipe(Effect.provide(connection)))

  it.effect("lets go of what it sent also where the database was away when it would have", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const sql = yield* SqlClient.SqlClient
      yield* startRunner()
      yield* Effect.gen(function*() {
        assert.strictEqual(yield* Executor.run(values.echo, "let go"), "let go")
        yield* proxy.cut
        // Longer than until a program next lets go.
        yield* Effect.sleep("2 seconds")
        yield* proxy.mend
        yield* sql`SELECT id FROM effect_futures_jobs WHERE position('let go'::bytea in input) > 0`.pipe(
          Effect.repeat({ until: (kept) => kept.length === 0, schedule: Schedule.spaced(50) })
        )
      }).pipe(Effect.provide(program({ databaseUrl: url.replace(`:${port}/`, `:${proxy.port}/`) })))
    }).pipe(Effect.provide(connection)))

  it.effect("lets go of what it sent also where its job could be cancelled only after it had stopped to wait", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      const sql = yield* SqlClient.SqlClient
      yield* startRunner()
      const fiber = yield* Executor.submit(jobs.hold, { notes, label: "left late" })
      yield* untilStats(({ busy }) => busy === 1)
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`SELECT id FROM effect_futures_jobs WHERE state = 'running' FOR UPDATE`
        yield* Fiber.interrupt(fiber)
        // Longer than until a program next lets go.
        yield* Effect.sleep("2 seconds")
      }))
      yield* sql`SELECT id FROM effect_futures_jobs WHERE position('left late'::bytea in input) > 0`.pipe(
        Effect.repeat({ until: (kept) => kept.length === 0, schedule: Schedule.spaced(50) })
      )
    }).pipe(Effect.provide([program(), connection])))

  it.effect("lets go of what it sent of more jobs than a statement has parameters", () =>
    Effect.gen(function*() {
      const { url: databaseUrl } = yield* Database
      const database = ClusterDatabase.layer({ databaseUrl, name: "test", maxConnections: 1, isDurable: false })
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, clients, state, input)
          VALUES ('many/69999', false, 'square', 1, '', '', '{many}', 'done', 'input')`
        yield* JobTable.JobTable.use((table) => table.forget(Array.from({ length: 70_000 }, (_, n) => `many/${n}`)))
        const rows = yield* sql`SELECT input FROM effect_futures_jobs WHERE id = 'many/69999'`
        assert.deepStrictEqual(rows, [{ input: null }])
      }).pipe(Effect.provide(Layer.provideMerge(JobTable.JobTable.layer, database)))
    }))

  it.effect("keeps a large result in the database though its connection is cut at each piece", () =>
    Effect.gen(function*() {
      const { cut, database } = yield* proxied
      const piece = new Uint8Array(ResultStore.pieceBytes).fill(7)
      const bytes = yield* ResultStore.ResultStore.use((store) =>
        Effect.flatMap(store.write(thrice(piece, cut)), (reference) =>
          store.read(reference).pipe(
            Stream.tap(() => cut),
            Stream.runFold(() => 0, (sum, piece) => sum + piece.length)
          ))
      ).pipe(Effect.provide(Layer.provide(ResultStore.layerPostgres, database)))
      assert.strictEqual(bytes, 3 * piece.length)
    }))

  it.effect("keeps a large result in the database also where it was not heard that it does", () =>
    Effect.gen(function*() {
      const { cut, database, mute } = yield* proxied
      const sql = yield* SqlClient.SqlClient
      const bytes = new Uint8Array(1000).fill(7)
      yield* ResultStore.ResultStore.use((store) =>
        Effect.gen(function*() {
          yield* mute
          const writing = yield* Effect.forkChild(store.write([bytes]))
          yield* sql`SELECT id FROM effect_futures_results WHERE bytes = ${bytes}`.pipe(
            Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced(10) })
          )
          yield* cut
          const reference = yield* Fiber.join(writing)
          assert.deepStrictEqual(yield* Stream.runCollect(store.read(reference)), [Buffer.from(bytes)])
        })
      ).pipe(Effect.provide(Layer.provide(ResultStore.layerPostgres, database)))
    }).pipe(Effect.provide(connection)))

  it.effect("keeps a large result in the database though the server crashes once it is written", () =>
    Effect.gen(function*() {
      const { database } = yield* proxied
      const bytes = new Uint8Array(1000).fill(9)
      yield* ResultStore.ResultStore.use((store) =>
        Effect.gen(function*() {
          const reference = yield* crashAfter(store.write([bytes]))
          assert.deepStrictEqual(yield* Stream.runCollect(store.read(reference)), [Buffer.from(bytes)])
        })
      ).pipe(Effect.provide(Layer.provide(ResultStore.layerPostgres, database)))
    }))

  it.effect("gives a runner's number to no other though the server crashes once it has it", () =>
    Effect.gen(function*() {
      const { database } = yield* proxied
      yield* JobTable.JobTable.use((table) =>
        Effect.gen(function*() {
          const addRunner = table.addRunner({ address: "", pid: 1, workers: 1, jobs: "" })
          const number = yield* crashAfter(addRunner)
          const next = yield* persist(addRunner)
          assert.notStrictEqual(next, number)
          yield* Effect.forEach([number, next], table.removeRunner)
        })
      ).pipe(Effect.provide(Layer.provide(JobTable.JobTable.layer, database)))
    }))

  it.effect("keeps the limit queued of a job though it was not heard that it is cancelled", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const sql = yield* SqlClient.SqlClient
      yield* Effect.gen(function*() {
        const fiber = yield* Executor.submit(values.square, 3, { deadline: { queued: "2 seconds" } })
        yield* sql`SELECT id FROM effect_futures_jobs WHERE state = 'waiting'`.pipe(
          Effect.repeat({ until: (waiting) => waiting.length > 0 })
        )
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql`SELECT id FROM effect_futures_jobs WHERE state = 'waiting' FOR UPDATE`
          yield* sql`SELECT pid FROM pg_locks WHERE NOT granted`.pipe(
            Effect.repeat({ until: (waiting) => waiting.length > 0 })
          )
          yield* proxy.mute
        }))
        yield* startRunner()
        yield* Effect.andThen(proxy.cut, proxy.mend)
        assert.propertyVal(yield* Effect.flip(Fiber.join(fiber)), "_tag", "DeadlineExceeded")
      }).pipe(Effect.provide(program({ databaseUrl: url.replace(`:${port}/`, `:${proxy.port}/`) })))
    }).pipe(Effect.provide(connection)))

  it.effect("keeps the limit total of a job that ends in time, though its program is too busy to hear of that", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      yield* startRunner()
      yield* Executor.run(values.square, 1)
      const input = { notes, label: "in time" }
      const fiber = yield* Executor.submit(jobs.hold, input, { deadline: { total: "3 seconds" } })
      yield* until(() => Notes.lines(notes).length > 0)
      Notes.openGate(notes)
      keepBusy(3500)
      assert.strictEqual(yield* Fiber.join(fiber), "in time")
    }).pipe(Effect.provide(program())))

  it.effect("keeps it also for several who asked for the job by its key", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      yield* startRunner()
      yield* Executor.run(values.square, 1)
      const options = { key: "in time", deadline: { total: "3 seconds" } } as const
      const submit = Executor.submit(jobs.hold, { notes, label: "in time" }, options)
      const fibers = yield* Effect.forEach([1, 2, 3], () => submit)
      yield* until(() => Notes.lines(notes).length > 0)
      yield* untilStats(({ queued }) => queued === 0)
      Notes.openGate(notes)
      keepBusy(3500)
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["in time", "in time", "in time"])
    }).pipe(Effect.provide(program())))

  it.effect("tells of a job that was stopped, and of the next of its worker, one after the other", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      yield* startRunner()
      const sql = yield* SqlClient.SqlClient
      yield* sql`SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%effect_futures_runners%'`.pipe(
        Effect.repeat({ until: (listening) => listening.length > 0 })
      )
      const settled: Array<Extract<Executor.JobEvent, { readonly _tag: "Settled" }>> = []
      yield* Effect.gen(function*() {
        const first = yield* Executor.submit(jobs.busy, notes)
        yield* until(() => Notes.lines(notes).length > 0)
        const second = yield* Executor.submit(values.square, 3)
        const interruption = yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
        yield* sql`SELECT id FROM effect_futures_jobs WHERE job = 'busy' AND state = 'cancelled'`.pipe(
          Effect.repeat({ until: (cancelled) => cancelled.length > 0 })
        )
        // The word that it was stopped comes meanwhile.
        keepBusy(500)
        yield* Fiber.join(interruption)
        assert.strictEqual(yield* Fiber.join(second), 9)
      }).pipe(
        Effect.provideService(Executor.JobObserver, (event) => event._tag === "Settled" && settled.push(event))
      )
      const [first, second] = settled.toSorted((a, b) => a.id - b.id)
      assert.deepStrictEqual([first!.status, second!.status], ["interrupted", "succeeded"])
      assert.isAtMost(first!.at, second!.startedAt!)
    }).pipe(Effect.provide([program({ maxWorkers: 2 }), connection])))

  it.effect("does for a program that was killed, and starts again, only what was not finished", () =>
    Effect.gen(function*() {
      const { url } = yield* Database
      const notes = yield* makeNotes
      yield* startRunners
      const start = Programs.start("cluster-client.ts", url, notes, String(count), String(ms), "killed")
      const first = yield* start
      yield* until(() => resultsOf(first).length >= count / 4)
      yield* kill(first, "SIGKILL")
      yield* until(first.isGone)
      const before = new Set(resultsOf(first).map(([label]) => label))
      Notes.write(notes, "fault")

      const second = yield* start
      yield* until(second.isGone)
      const results = resultsOf(second)
      const arrived = results.map(([label]) => ({ label, at: 0 }))
      assertWhole({ arrived, before, notes: Notes.lines(notes), struckAt: 0 })
      assert.isAtLeast(results.filter(([, what]) => what === "taken over").length, before.size)
      assert.deepStrictEqual(begunMoreThanOnce({ arrived, before, notes: Notes.lines(notes), struckAt: 0 }), [])
    }))

  it.effect("stops a job that is interrupted though a program wanted it that was killed", () =>
    Effect.gen(function*() {
      const { url } = yield* Database
      const notes = yield* makeNotes
      yield* startRunner()
      const killed = yield* Programs.start("cluster-client.ts", url, notes, "1", "600000", "both")
      yield* until(() => Notes.lines(notes).length > 0)
      yield* kill(killed, "SIGKILL")
      yield* until(killed.isGone)
      const fiber = yield* Executor.submit(jobs.spin, { notes, label: 0, ms: 600_000 }, { key: "both/0" })
      yield* untilStats(({ busy }) => busy === 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* Executor.run(values.square, 3), 9)
    }).pipe(Effect.provide(program())))

  it.effect("gives up a job that takes one runner after the other down, and says so", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      const fiber = yield* Effect.forkChild(Effect.flip(Executor.run(jobs.endProcess, notes)))
      for (let n = 0; n < 5; n++) {
        const runner = yield* startRunner()
        yield* until(runner.isGone)
      }
      yield* startRunner()
      const error = yield* Fiber.join(fiber)
      assert.propertyVal(error, "_tag", "WorkerDied")
      assert.include(error.message, "5 runners began it, and none of them was heard of again")
    }).pipe(Effect.provide(program())), { timeout: 120_000 })

  it.effect("runs jobs of 8 s of busy loop once each", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      yield* startRunners
      const results = yield* Effect.forEach([0, 1, 2], (label) => Executor.run(jobs.spin, { notes, label, ms: 8000 }), {
        concurrency: 3
      }).pipe(
        Effect.provide(program({ maxWorkers: 3 }))
      )
      assert.deepStrictEqual(results.map(({ label }) => label), [0, 1, 2])
      assert.strictEqual(Notes.lines(notes).length, 6)
    }))

  it.effect("spreads equal jobs evenly, also over a runner that joins", () =>
    Effect.gen(function*() {
      const notes = yield* makeNotes
      yield* startRunner()
      yield* startRunner()
      // There is work left when the third is up, however long it takes to start.
      let left = Infinity
      const run = yield* Stream.iterate(0, (label) => label + 1).pipe(
        Stream.takeWhile(() => left-- > 0),
        Stream.mapEffect((label) => Executor.run(jobs.spin, { notes, label, ms: 100 }), { concurrency: 20 }),
        Stream.runCollect,
        Effect.provide(program({ maxWorkers: 20 })),
        Effect.forkChild
      )
      yield* until(() => Notes.lines(notes).length > 20)
      const third = yield* startRunner()
      left = 60
      const readyAt = performance.now()
      yield* until(() => Notes.lines(notes).some((line) => line.endsWith(` ${third.child.pid}`)))
      assert.isBelow(performance.now() - readyAt, 2000)
      const results = yield* Fiber.join(run)
      const pids = [...new Set(results.map(({ pid }) => pid))]
      assert.lengthOf(pids, 3)
      const lines = Notes.lines(notes)
      for (const pid of pids) {
        const rest = lines.slice(lines.findLastIndex((line) => line.startsWith("end") && line.endsWith(` ${pid}`)))
        assert.isAtMost(rest.filter((line) => line.startsWith("begin")).length, 2, "the others begin one more job each")
      }
    }))
})
