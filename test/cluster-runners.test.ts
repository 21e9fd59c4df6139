import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Schedule, Scope, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { ClusterExecutor, Executor, ExecutorError, ResultStore } from "../lib/mod.ts"
import * as jobs from "./jobs/cluster.ts"
import * as Notes from "./jobs/notes.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { begun, cluster, connection, Database, program } from "./shared/cluster.ts"
import { makeProxy } from "./shared/proxy.ts"
import { until } from "./shared/until.ts"

const messageOf = (layer: Layer.Layer<never, { readonly message: string }>) =>
  Effect.scoped(Effect.map(Effect.flip(Layer.build(layer)), ({ message }) => message))

const nowhere = { databaseUrl: "postgres://127.0.0.1:1/db" }

/** How a runner with `options` refuses to start. */
const runnerRefuses = (options: object) => messageOf(ClusterExecutor.runner({ ...nowhere, jobs: [], ...options }))

/** How a program's executor does. */
const programRefuses = (options: object) => messageOf(ClusterExecutor.layer({ ...nowhere, ...options }))

/** Enough for a job to note that it is told to stop, however busy the machine. */
const cancelGrace = "1 minute"

/** Does `use` while a transaction holds what `lock` locks. */
const whileLocked = Effect.fnUntraced(
  function*<A, E, R>(lock: Effect.Effect<unknown, SqlError>, use: Effect.Effect<A, E, R>) {
    const sql = yield* SqlClient
    const isLocked = yield* Deferred.make<void>()
    const isOver = yield* Deferred.make<void>()
    const locker = yield* lock.pipe(
      Effect.andThen(Deferred.succeed(isLocked, undefined)),
      Effect.andThen(Deferred.await(isOver)),
      sql.withTransaction,
      Effect.forkChild
    )
    yield* Deferred.await(isLocked)
    const result = yield* use
    yield* Deferred.succeed(isOver, undefined)
    yield* Fiber.join(locker)
    return result
  }
)

/** Asks of the connections on which runners wait for a lock, until there is one. */
const ofWaitingRunners = (select: string) =>
  SqlClient.use((sql) =>
    sql`SELECT ${sql.literal(select)} FROM pg_stat_activity
      WHERE application_name = 'effect-futures runner' AND wait_event_type = 'Lock'`.pipe(
      Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced(50) })
    )
  )

const untilRunnerWaits = ofWaitingRunners("pid")

const cutRunnerThatWaits = ofWaitingRunners("pg_terminate_backend(pid)")

layer(Database.layer, { excludeTestServices: true })("ClusterExecutor", (it) => {
  describe("a runner", () => {
    it.effect("is a member of an Effect cluster: with another it shares the shards, alone it holds all", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const shards = Effect.map(
          ClusterExecutor.status({ databaseUrl: url }),
          ({ runners }) => runners.map(({ shards }) => shards)
        )
        const runner = ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: [] })
        yield* Layer.build(runner)
        const untilShards = (expected: ReadonlyArray<number>) =>
          Effect.repeat(shards, { until: (held) => held.join() === expected.join(), schedule: Schedule.spaced(50) })
        yield* untilShards([60])
        yield* Effect.scoped(Effect.andThen(Layer.build(Layer.fresh(runner)), untilShards([30, 30])))
        yield* untilShards([60])
      }))

    it.effect("hears of new jobs, however seldom it asks", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const runner = ClusterExecutor.runner({
          databaseUrl: url,
          maxWorkers: 2,
          jobs: [values.square],
          pollInterval: "1 hour"
        })
        const squares = yield* Stream.range(1, 6).pipe(
          Stream.mapEffect((n) => Executor.run(values.square, n), { concurrency: 2 }),
          Stream.runCollect,
          Effect.provide(Layer.merge(program(), runner))
        )
        assert.deepStrictEqual(squares, [1, 4, 9, 16, 25, 36])
      }))

    it.effect("lets go of what a job left behind when its time is over", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const notes = yield* makeNotes
        Notes.openGate(notes)
        const ask = Executor.run(jobs.hold, { notes, label: "old" }, { key: "old" })
        const runner = ClusterExecutor.runner({
          databaseUrl: url,
          maxWorkers: 1,
          jobs: [jobs.hold],
          keepFor: "1 second"
        })
        yield* Effect.gen(function*() {
          yield* ask
          yield* ClusterExecutor.status({ databaseUrl: url }).pipe(
            Effect.repeat({ until: (status) => status.jobs.done === 0, schedule: Schedule.spaced(50) })
          )
          yield* ask
        }).pipe(Effect.provide(Layer.merge(program(), runner)))
        assert.strictEqual(Notes.lines(notes).length, 4)
      }))

    it.effect("lets go of jobs without a key whose program was killed: one that has no ticket, and one that runs", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const jobsOfRunner = [jobs.hold]
        yield* Layer.build(
          ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, cancelGrace, jobs: jobsOfRunner, keepFor: "1 second" })
        )
        const fiber = yield* Executor.submit(jobs.hold, { notes, label: "killed" })
        yield* until(begun(notes))
        yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, clients)
          VALUES ('killed/0', false, 'hold', 1, '', '', '{killed}')`
        yield* sql`UPDATE effect_futures_jobs SET clients = '{killed}' WHERE state = 'running'`
        yield* until(() => Notes.lines(notes).includes("abort killed"))
        yield* sql`SELECT id FROM effect_futures_jobs WHERE id = 'killed/0' AND state = 'waiting'`.pipe(
          Effect.repeat({ until: (waiting) => waiting.length === 0, schedule: Schedule.spaced(50) })
        )
        Notes.openGate(notes)
        yield* Fiber.interrupt(fiber)
      }).pipe(Effect.provide([program(), connection])))

    for (const where of ["database", "folder"] as const) {
      it.effect(`keeps an input in the ${where} for as long as its job waits`, () =>
        Effect.gen(function*() {
          const { url: databaseUrl } = yield* Database
          const notes = yield* makeNotes
          const folder = yield* makeNotes
          const options = { databaseUrl, ...(where === "folder" && { resultFolder: folder }) }
          const jobsOfRunner = [jobs.hold, values.echo]
          const runner = ClusterExecutor.runner({ ...options, maxWorkers: 1, jobs: jobsOfRunner, keepFor: "1 second" })
          const layerStore = where === "folder" ? ResultStore.layerFolder(folder) : ResultStore.layerPostgres
          const layerClient = ClusterExecutor.layer({ ...options, maxWorkers: 2 })
          const input = new Uint8Array(2_000_000)
          yield* Effect.gen(function*() {
            const held = yield* Executor.submit(jobs.hold, { notes, label: "first" })
            yield* until(begun(notes))
            const waits = yield* Executor.submit(values.echo, input)
            yield* ClusterExecutor.status(options).pipe(
              Effect.repeat({ until: (status) => status.jobs.waiting === 1, schedule: Schedule.spaced(20) })
            )
            const store = yield* ResultStore.ResultStore
            const younger = yield* store.write([input])
            yield* Stream.runDrain(store.read(younger)).pipe(
              Effect.repeat(Schedule.spaced(50)),
              Effect.flip
            )
            Notes.openGate(notes)
            yield* Fiber.join(held)
            assert.deepStrictEqual(yield* Fiber.join(waits), input)
          }).pipe(Effect.provide(Layer.mergeAll(layerClient, runner, Layer.provide(layerStore, connection))))
        }))
    }

    it.effect("keeps house also where it keeps results for ever", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        yield* ClusterExecutor.status({ databaseUrl: url })
        const sql = yield* SqlClient
        yield* sql`INSERT INTO effect_futures_runners (address, pid, workers, jobs, seen_at)
          VALUES ('dead', 1, 1, '[]', now() - interval '2 hours')`
        // What the queue has handed out, which may be handed in again for an hour.
        for (const [id, age] of [["old", "2 hours"], ["young", "30 minutes"]]) {
          const at = sql`now() - ${age!}::interval`
          yield* sql`INSERT INTO effect_futures_queue
            (id, queue_name, element, state, attempts, visible_at, created_at, updated_at)
            VALUES (${id!}, 'jobs', '{}', 'completed', 1, ${at}, ${at}, ${at})`
        }
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: [], keepFor: Infinity }))
        yield* sql`SELECT id FROM effect_futures_runners WHERE address = 'dead'`.pipe(
          Effect.repeat({ until: (dead) => dead.length === 0, schedule: Schedule.spaced(50) })
        )
        const tickets = yield* sql`SELECT id FROM effect_futures_queue WHERE id IN ('old', 'young')`.pipe(
          Effect.repeat({ until: (tickets) => tickets.length < 2, schedule: Schedule.spaced(50) })
        )
        assert.deepStrictEqual(tickets, [{ id: "young" }])
      }).pipe(Effect.provide(connection)))

    it.effect("keeps house also where a part of that fails each time", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        yield* ClusterExecutor.status({ databaseUrl })
        const sql = yield* SqlClient
        yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, clients, input_reference)
          VALUES ('key/unreadable', true, 'square', 1, '', '', '{}', 'no reference')`
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [], keepFor: "1 second" }))
        for (const round of ["first", "second"]) {
          yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, clients, state, settled_at)
            VALUES (${round}, false, 'square', 1, '', '', '{}', 'done', now() - interval '1 hour')`
          yield* sql`SELECT id FROM effect_futures_jobs WHERE id = ${round}`.pipe(
            Effect.repeat({ until: (old) => old.length === 0, schedule: Schedule.spaced(50) })
          )
        }
        yield* sql`DELETE FROM effect_futures_jobs WHERE id = 'key/unreadable'`
      }).pipe(Effect.provide(connection)))

    it.effect("stops a job that another has ended, which took it for dead", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const fiber = yield* Effect.forkChild(Effect.exit(Executor.run(jobs.hold, { notes, label: "elsewhere" })))
        yield* until(begun(notes))
        yield* sql`UPDATE effect_futures_jobs SET state = 'failed', settled_at = now() WHERE state = 'running'`
        yield* until(() => Notes.lines(notes).includes("abort elsewhere"))
        Notes.openGate(notes)
        yield* Fiber.join(fiber)
      }).pipe(Effect.provide([cluster({ cancelGrace }), connection])))

    it.effect("does not take a job for one that takes runners down whose runner is there, however often it is begun again", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const fiber = yield* Executor.submit(jobs.hold, { notes, label: "long" })
        while (Notes.lines(notes).length < 8 && fiber.pollUnsafe() === undefined) {
          yield* sql`UPDATE effect_futures_queue SET acquired_at = now() - interval '1 minute' WHERE state = 'pending'`
          // Longer than until it is heard of again.
          yield* Effect.sleep("1200 millis")
        }
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(fiber), "long")
      }).pipe(Effect.provide([cluster({ maxWorkers: 8 }), connection])))

    it.effect("stops a job that was asked for anew since, and goes on with one of which it hears late", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const [late, other] = yield* Effect.forEach(
          ["late", "other"],
          (label) => Effect.forkChild(Effect.exit(Executor.run(jobs.hold, { notes, label }, { key: label })))
        )
        yield* until(() => begun(notes, "late")() && begun(notes, "other")())
        // As a cancellation does that was followed by a new submission.
        yield* sql`UPDATE effect_futures_jobs SET submission = submission + 1 WHERE id = 'key/other'`
        yield* sql`SELECT pg_notify('effect_futures_runners', id) FROM effect_futures_jobs WHERE state = 'running'`
        yield* until(() => Notes.lines(notes).includes("abort other"))
        Notes.openGate(notes)
        assert.deepStrictEqual(yield* Fiber.join(late!), Exit.succeed("late"))
        yield* sql`UPDATE effect_futures_jobs SET state = 'failed', settled_at = now() WHERE state = 'running'`
        yield* Fiber.join(other!)
      }).pipe(Effect.provide([cluster({ cancelGrace }), connection])))

    it.effect("stops such a job as soon as it listens again, and does not wait for its next beat", () =>
      Effect.gen(function*() {
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const fiber = yield* Effect.forkChild(Effect.exit(Executor.run(jobs.hold, { notes, label: "unheard" })))
        yield* until(begun(notes))
        // Its beats wait for this.
        yield* whileLocked(
          sql`SELECT id FROM effect_futures_runners FOR UPDATE`,
          Effect.gen(function*() {
            yield* sql`UPDATE effect_futures_jobs SET state = 'failed', settled_at = now() WHERE state = 'running'`
            yield* sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE application_name = 'effect-futures runner' AND query LIKE 'LISTEN%'`.pipe(
              Effect.repeat({ until: (cut) => cut.length > 0, schedule: Schedule.spaced(50) })
            )
            yield* until(() => Notes.lines(notes).includes("abort unheard"))
            Notes.openGate(notes)
          })
        )
        yield* Fiber.join(fiber)
      }).pipe(Effect.provide([cluster({ cancelGrace }), connection])))

    it.effect("ends what it runs when it stops, and begins nothing more", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        const scope = yield* Scope.make()
        const runner = ClusterExecutor.runner({ databaseUrl, maxWorkers: 2, jobs: [jobs.hold], drainTimeout: Infinity })
        yield* Layer.buildWithScope(runner, scope)
        const first = yield* Executor.submit(jobs.hold, { notes, label: "first" })
        yield* until(begun(notes))
        const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        const second = yield* Executor.submit(jobs.hold, { notes, label: "second" })
        // Enough to stop what it runs, or begin what waits.
        yield* Effect.sleep("500 millis")
        Notes.openGate(notes)
        assert.strictEqual(yield* Fiber.join(first), "first")
        yield* Fiber.join(stopping)
        assert.deepStrictEqual(Notes.lines(notes), ["begin first", "end first"])
        assert.strictEqual(yield* Effect.provide(Fiber.join(second), runner), "second")
      }).pipe(Effect.provide(program())))

    it.effect("gives back what has not ended when its time to stop is over, as if it had not begun it", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const runner = ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [jobs.hold], drainTimeout: 0 })
        const fiber = yield* Executor.submit(jobs.hold, { notes, label: "back" })
        yield* Effect.provide(until(begun(notes)), runner)
        const [job] = yield* sql`SELECT state, attempts FROM effect_futures_jobs ORDER BY created_at DESC LIMIT 1`
        assert.deepStrictEqual(job, { state: "waiting", attempts: 0 })
        Notes.openGate(notes)
        assert.strictEqual(yield* Effect.provide(Fiber.join(fiber), runner), "back")
      }).pipe(Effect.provide([program(), connection])))

    it.effect("gives back what it was about to begin when its time to stop is over", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const fiber = yield* Executor.submit(jobs.hold, { notes, label: "about to" })
        const [waiting] = yield* Effect.repeat(
          sql<{ id: string }>`SELECT id FROM effect_futures_jobs WHERE state = 'waiting'`,
          { until: (rows) => rows.length > 0, schedule: Schedule.spaced(50) }
        )
        const scope = yield* Scope.make()
        const runner = ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [jobs.hold], drainTimeout: 0 })
        const stopping = yield* whileLocked(
          sql`SELECT id FROM effect_futures_jobs WHERE id = ${waiting!.id} FOR UPDATE`,
          Effect.gen(function*() {
            yield* Layer.buildWithScope(runner, scope)
            yield* untilRunnerWaits
            return yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
          })
        )
        yield* Fiber.join(stopping)
        const [job] = yield* sql`SELECT state, attempts FROM effect_futures_jobs WHERE id = ${waiting!.id}`
        assert.deepStrictEqual(job, { state: "waiting", attempts: 0 })
        Notes.openGate(notes)
        assert.strictEqual(yield* Effect.provide(Fiber.join(fiber), runner), "about to")
      }).pipe(Effect.provide([program(), connection])))

    it.effect("does not begin what has ended elsewhere before it hears that it may", () =>
      Effect.gen(function*() {
        const { port, url: databaseUrl } = yield* Database
        const proxy = yield* makeProxy(port)
        const notes = yield* makeNotes
        const sql = yield* SqlClient
        const runner = { databaseUrl, maxWorkers: 1, jobs: [jobs.hold] }
        const proxied = { ...runner, databaseUrl: databaseUrl.replace(`:${port}/`, `:${proxy.port}/`) }
        yield* Layer.build(ClusterExecutor.runner(proxied))
        const first = yield* Executor.submit(jobs.hold, { notes, label: "first" })
        yield* until(begun(notes))
        const late = yield* Executor.submit(jobs.hold, { notes, label: "late" })
        yield* whileLocked(
          sql`SELECT id FROM effect_futures_jobs WHERE state = 'waiting' FOR UPDATE`.pipe(
            Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced(50) })
          ),
          Effect.gen(function*() {
            Notes.openGate(notes)
            yield* Fiber.join(first)
            yield* untilRunnerWaits
            yield* proxy.freeze
          })
        )
        yield* Effect.provide(Fiber.join(late), ClusterExecutor.runner(runner))
        yield* proxy.mend
        yield* Executor.run(jobs.hold, { notes, label: "next" })
        const beginnings = Notes.lines(notes).filter((line) => line.startsWith("begin "))
        assert.deepStrictEqual(beginnings, ["begin first", "begin late", "begin next"])
      }).pipe(Effect.provide([program(), connection])))

    it.effect("soon begins a job that it could not begin, however often it was taken before", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const sql = yield* SqlClient
        const fiber = yield* Executor.submit(values.square, 3)
        yield* sql`UPDATE effect_futures_queue SET attempts = 20 WHERE state = 'pending' RETURNING id`.pipe(
          Effect.repeat({ until: (taken) => taken.length > 0, schedule: Schedule.spaced(50) })
        )
        yield* whileLocked(
          sql`SELECT id FROM effect_futures_jobs WHERE state = 'waiting' FOR UPDATE`,
          Effect.gen(function*() {
            yield* Layer.build(ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [values.square] }))
            yield* cutRunnerThatWaits
          })
        )
        assert.strictEqual(yield* Fiber.join(fiber), 9)
      }).pipe(Effect.provide([program(), connection])))

    it.effect("begins jobs also where the database takes more than a second for each answer", () =>
      Effect.gen(function*() {
        const { port, url } = yield* Database
        const proxy = yield* makeProxy(port)
        const databaseUrl = url.replace(`:${port}/`, `:${proxy.port}/`)
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [values.square] }))
        yield* proxy.delay(520)
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
        yield* proxy.delay(0)
      }).pipe(Effect.provide(program())))

    it.effect("lets go of what ended more than 7 days ago where nothing else is said", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        yield* ClusterExecutor.status({ databaseUrl })
        const sql = yield* SqlClient
        for (const days of [6, 8]) {
          yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, clients, state, settled_at)
            VALUES (${`key/${days} days`}, true, 'square', 1, '', '', '{}', 'done', now() - make_interval(days => ${days}))`
        }
        const left = sql`SELECT id FROM effect_futures_jobs WHERE id LIKE 'key/% days'`
        const found = yield* Effect.repeat(left, { until: (kept) => kept.length < 2, schedule: Schedule.spaced(50) })
          .pipe(
            Effect.provide(ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [] }))
          )
        assert.deepStrictEqual(found, [{ id: "key/6 days" }])
      }).pipe(Effect.provide(connection)))

    /** Has a runner join whose connection is cut as it waits for the table. */
    const joinCutAt = Effect.fnUntraced(function*(table: string) {
      const { url: databaseUrl } = yield* Database
      const sql = yield* SqlClient
      const runner = ClusterExecutor.runner({ databaseUrl, maxWorkers: 1, jobs: [values.square] })
      // It makes the tables.
      yield* Effect.scoped(Layer.build(runner))
      const joining = yield* whileLocked(
        sql`LOCK TABLE ${sql(table)}`,
        Effect.gen(function*() {
          const joining = yield* Effect.forkChild(Layer.build(Layer.fresh(runner)))
          yield* cutRunnerThatWaits
          return joining
        })
      )
      yield* Fiber.join(joining)
    })

    it.effect("joins also where its connection is cut meanwhile", () =>
      Effect.gen(function*() {
        yield* joinCutAt("effect_futures_cluster_runner_migrations")
        assert.strictEqual(yield* Effect.provide(Executor.run(values.square, 3), program()), 9)
      }).pipe(Effect.provide(connection)))

    it.effect("says so where its connection is cut before it has joined", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(joinCutAt("effect_futures_queue_migrations"))
        assert.instanceOf(error, ExecutorError.ClusterUnavailable)
        assert.include(error.message, "cannot be used: Connection closed")
      }).pipe(Effect.provide(connection)))

    it.effect("is known again that was away for so long that it was removed", () =>
      Effect.gen(function*() {
        const { url: databaseUrl } = yield* Database
        const sql = yield* SqlClient
        const jobsOfRunner = [values.square]
        yield* Layer.build(ClusterExecutor.runner({ databaseUrl, maxWorkers: 3, jobs: jobsOfRunner, address: "back" }))
        yield* sql`DELETE FROM effect_futures_runners WHERE address = 'back'`
        const { runners } = yield* ClusterExecutor.status({ databaseUrl }).pipe(
          Effect.repeat({ until: ({ runners }) => runners.length > 0, schedule: Schedule.spaced(50) })
        )
        assert.deepInclude(runners[0], { address: "back", workers: 3, pid: process.pid })
      }).pipe(Effect.provide(connection)))

    it.effect("refuses a job whose name no database can keep, as does the program", () =>
      Effect.gen(function*() {
        for (const name of ["a".repeat(201), "a\0b"]) {
          const job = { ...values.square, name }
          const runner = yield* runnerRefuses({ jobs: [job] })
          assert.include(runner, "a job's name must be of 1 to 200 characters, none of them NUL: received ")
          const program = yield* Effect.flip(Executor.run(job, 2))
          assert.instanceOf(program, ExecutorError.InvalidOptions)
          assert.strictEqual(program.message, runner)
        }
      }).pipe(Effect.provide(program({ run: "a".repeat(200) }))))

    it.effect("refuses jobs of one name, for it knows them by their names", () =>
      Effect.gen(function*() {
        const twins = ClusterExecutor.runner({ databaseUrl: "", jobs: [values.square, values.square] })
        const error = yield* Effect.flip(Layer.build(twins))
        assert.strictEqual(error.message, `jobs must be of names that are all different: received "square"`)
      }))
  })

  describe("a runner's options", () => {
    it.effect("are refused by name", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* runnerRefuses({ jobs: [5] }), "jobs must be an array of jobs: received [ 5 ]")
        assert.strictEqual(
          yield* runnerRefuses({ jobs: undefined }),
          "jobs must be an array of jobs: received undefined"
        )
        assert.strictEqual(yield* runnerRefuses({ resultFolder: "" }), `resultFolder must be a path: received ""`)
        assert.include(yield* runnerRefuses({ address: "a\0b" }), "address must be of 1 to 200 characters")
        assert.strictEqual(yield* runnerRefuses({ maxWorkers: 0 }), "maxWorkers must be a positive integer: received 0")
        assert.strictEqual(
          yield* runnerRefuses({ maxWorkers: 1001 }),
          "maxWorkers must be an integer from 1 to 1000: received 1001"
        )
        for (const option of ["keepFor", "pollInterval"]) {
          for (const value of [0, -1, NaN, "soon", null]) {
            assert.include(yield* runnerRefuses({ [option]: value }), `${option} must be a duration above 0: received `)
          }
        }
        for (const value of [-1, null]) {
          assert.include(
            yield* runnerRefuses({ drainTimeout: value }),
            `drainTimeout must be a duration of at least 0: received ${value}`
          )
        }
        assert.include(yield* runnerRefuses({ databaseUrl: undefined }), "expected a URL such as postgres://")
      }))
  })

  describe("a program's options", () => {
    it.effect("are refused by name", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          yield* programRefuses({ maxWorkers: 0 }),
          "maxWorkers must be a positive integer: received 0"
        )
        assert.strictEqual(
          yield* programRefuses({ retryFailed: null }),
          "retryFailed must be true or false: received null"
        )
        assert.strictEqual(yield* programRefuses({ resultFolder: "" }), `resultFolder must be a path: received ""`)
        assert.include(yield* programRefuses({ databaseUrl: undefined }), "expected a URL such as postgres://")
      }))
  })
})
