import { assert, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Queue } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { now } from "../../../lib/internal/clock.ts"
import * as Database from "../../../lib/internal/cluster/Database.ts"
import { clientChannel, connectionName, JobTable, type Submission } from "../../../lib/internal/cluster/JobTable.ts"
import { workersPerRunner } from "../../../lib/internal/cluster/RunnerClocks.ts"
import * as cluster from "../../shared/cluster.ts"
import { worker } from "../../shared/remoteTasks.ts"

/** The table, by the connection of a program that is there. */
const table = Layer.unwrap(Effect.map(cluster.Database, ({ url }) =>
  Layer.provideMerge(
    JobTable.layer,
    Database.layer({ databaseUrl: url, name: connectionName("here"), maxConnections: 2, isDurable: false })
  )))

const submission = (id: string, part: Partial<Submission> = {}): Submission => ({
  id,
  keyed: id.startsWith("key/"),
  job: "square",
  source: "version 1",
  items: 1,
  input: Buffer.from("input"),
  inputReference: undefined,
  inputHash: "hash",
  options: "{}",
  trace: undefined,
  ...part
})

const failed = { state: "failed", isRefusal: false, bytes: Buffer.from("reply"), reference: undefined } as const

/** What of a job's row the names are of. */
const rowOf = (id: string, ...names: ReadonlyArray<string>) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql<Record<string, unknown>>`SELECT * FROM effect_futures_jobs WHERE id = ${id}`,
      ([row]) => names.map((name) => row?.[name])
    ))

const stateOf = (id: string) => Effect.map(rowOf(id, "state"), ([state]) => state)

layer(cluster.Database.layer, { excludeTestServices: true })("JobTable", (it) => {
  it.effect("submits a job anew as who asks again would have it, and counts it as begun by nobody", () =>
    Effect.gen(function*() {
      const { finish, start, submit } = yield* JobTable
      const id = "key/anew"
      const again = submission(id, { source: "version 2", input: Buffer.from("same"), options: "[]", trace: "trace" })
      yield* submit([submission(id)], "first", false)
      yield* start({ id, submission: 1 }, 1, worker)
      assert.isTrue(yield* finish({ id, submission: 1 }, { ...failed, isRefusal: true }))
      assert.deepStrictEqual(yield* rowOf(id, "keyed", "attempts", "state"), [false, 1, "failed"])
      yield* submit([again], "second", false)
      assert.deepStrictEqual(
        yield* rowOf(id, "state", "submission", "keyed", "clients", "source", "options", "trace", "attempts"),
        ["waiting", 2, true, ["second"], "version 2", "[]", "trace", 0]
      )
      assert.deepStrictEqual(yield* rowOf(id, "reply", "settled_at"), [null, null])
      assert.deepStrictEqual(yield* rowOf(id, "input"), [Buffer.from("same")])

      assert.isUndefined(yield* start({ id, submission: 1 }, 1, worker), "what was submitted before is over")
      assert.isFalse(yield* finish({ id, submission: 1 }, failed))
      assert.isTrue(yield* finish({ id, submission: 2 }, failed))
      yield* submit([submission(id)], "third", false)
      assert.deepStrictEqual(yield* rowOf(id, "state", "submission", "clients"), ["failed", 2, ["second"]])
      yield* submit([submission(id)], "third", true)
      assert.deepStrictEqual(yield* rowOf(id, "state", "submission", "clients"), ["waiting", 3, ["third"]])
    }).pipe(Effect.provide(table)))

  it.effect("does not submit anew what has failed since it was first asked to, for that was not heard of", () =>
    Effect.gen(function*() {
      const { finish, submit } = yield* JobTable
      for (const isRefusal of [false, true]) {
        const id = `key/failed meanwhile, ${isRefusal}`
        const first = now() - Duration.toMillis("1 minute")
        const ask = (askedAt: number) =>
          Effect.map(submit([submission(id)], "here", true, askedAt), ([row]) => ({ ...row }))
        yield* ask(first)
        yield* finish({ id, submission: 1 }, { ...failed, isRefusal })
        assert.deepInclude(yield* ask(first), { state: "failed", submission: 1 })
        assert.deepInclude(yield* ask(now()), { state: "waiting", submission: 2 })
      }
    }).pipe(Effect.provide(table)))

  it.effect("tells each of those who want a job once, and none who asked for another by its key", () =>
    Effect.gen(function*() {
      const { submit } = yield* JobTable
      const id = "key/wanted"
      for (const client of ["first", "second", "first"]) yield* submit([submission(id)], client, false)
      const others = [{ inputHash: "other" }, { job: "other" }]
      for (const other of others) yield* submit([submission(id, { ...other, source: "other" })], "third", true)
      assert.deepStrictEqual(yield* rowOf(id, "clients", "source", "submission"), [["second", "first"], "version 1", 1])
    }).pipe(Effect.provide(table)))

  it.effect("ends a job once, also where its runner did not hear so and says it again", () =>
    Effect.gen(function*() {
      const { finish, forget, submit } = yield* JobTable
      const ticket = { id: "here/ended", submission: 1 }
      yield* submit([submission(ticket.id)], "here", false)
      const done = { state: "done", isRefusal: false, bytes: Buffer.from("head"), reference: "mine" } as const
      assert.isTrue(yield* finish(ticket, done))
      assert.isTrue(yield* finish(ticket, done))
      assert.isFalse(yield* finish(ticket, { ...done, reference: "another runner's" }))
      assert.isFalse(yield* finish(ticket, failed))
      assert.deepStrictEqual(yield* rowOf(ticket.id, "state", "reply_reference"), ["done", "mine"])
      yield* forget([ticket.id])
      assert.isTrue(yield* finish(ticket, done))
      assert.deepStrictEqual(yield* rowOf(ticket.id, "reply"), [null], "its program has read it")
      const unheard = { id: "here/failed", submission: 1 }
      yield* submit([submission(unheard.id)], "here", false)
      yield* finish(unheard, failed)
      const [row] = yield* submit([submission(unheard.id)], "here", true)
      assert.deepInclude(
        { ...row },
        { state: "failed", submission: 1 },
        "its program did not hear that it was accepted"
      )
    }).pipe(Effect.provide(table)))

  it.effect("ends a job also where a program that wants it as well went silent while it submitted it with others", () =>
    Effect.gen(function*() {
      const { finish, submit } = yield* JobTable
      const sql = yield* SqlClient
      const id = "key/silent"
      yield* submit([submission(id)], "here", false)
      const isSilent = Deferred.makeUnsafe<void>()
      const hasEnded = Deferred.makeUnsafe<void>()
      const silent = yield* submit([submission(id), submission("key/silent too")], "silent", false).pipe(
        Effect.andThen(Deferred.succeed(isSilent, undefined)),
        Effect.andThen(Deferred.await(hasEnded)),
        sql.withTransaction,
        Effect.exit,
        Effect.forkChild
      )
      yield* Deferred.await(isSilent)
      assert.isTrue(yield* finish({ id, submission: 1 }, failed))
      yield* Deferred.succeed(hasEnded, undefined)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(silent)), "it is told, and can try again")
      assert.deepStrictEqual(yield* rowOf(id, "state", "clients"), ["failed", ["here"]])
    }).pipe(Effect.provide(table)))

  it.effect("tells of a worker that has stopped those whose job it had, and none who asked for it anew", () =>
    Effect.gen(function*() {
      const { leave, listen, stopped, submit } = yield* JobTable
      const id = "key/stopped"
      const news = yield* listen(clientChannel("here"))
      yield* submit([submission(id)], "here", false)
      yield* leave([id], "here", ["waiting"])
      yield* submit([submission(id)], "here", false)
      for (const number of [1, 2]) {
        yield* stopped({ id, submission: number }, { ...worker, startedAt: number, returnedAt: number })
      }
      assert.include((yield* Queue.take(news)).payload, `"startedAt":2`)
    }).pipe(Effect.scoped, Effect.provide(table)))

  it.effect("gives back a job of the runner that has it, as if that had not begun it", () =>
    Effect.gen(function*() {
      const { leave, release, start, submit } = yield* JobTable
      const ticket = { id: "here/released", submission: 1 }
      yield* submit([submission(ticket.id)], "here", false)
      yield* start(ticket, 1, worker)
      yield* start(ticket, 2, worker)
      yield* release(ticket, 1)
      assert.deepStrictEqual(yield* rowOf(ticket.id, "state", "attempts"), ["running", 2])
      yield* release(ticket, 2)
      assert.deepStrictEqual(yield* rowOf(ticket.id, "state", "attempts"), ["waiting", 1])
      yield* start(ticket, 2, worker)
      yield* leave([ticket.id], "here", ["running"])
      yield* release(ticket, 2)
      assert.strictEqual(yield* stateOf(ticket.id), "cancelled")
    }).pipe(Effect.provide(table)))

  it.effect("tells which worker of which runner has a job, also of a runner that was removed since", () =>
    Effect.gen(function*() {
      const { addRunner, removeRunner, start, states, submit } = yield* JobTable
      const id = "here/running"
      yield* submit([submission(id)], "here", false)
      assert.propertyVal((yield* states([id])).get(id), "state", "waiting")
      const sql = yield* SqlClient
      // The first whose workers' numbers are beyond 32 bits.
      yield* sql`SELECT setval('effect_futures_runners_id_seq', 2147484, false)`
      const runner = yield* addRunner({ address: "its address", pid: 1, workers: 1, jobs: "[]" })
      const workerId = runner * workersPerRunner + 7
      assert.isDefined(yield* start({ id, submission: 1 }, runner, { workerId, runner: "its address" }))
      const known = { id, state: "running", workerId } as const
      assert.deepStrictEqual((yield* states([id])).get(id), { ...known, runner: "its address" })
      yield* removeRunner(runner)
      assert.deepStrictEqual((yield* states([id])).get(id), { ...known, runner: `runner ${runner}` })
    }).pipe(Effect.provide(table)))

  it.effect("tells of what a runner runs the key, where that has one", () =>
    Effect.gen(function*() {
      const { addRunner, start, status, submit } = yield* JobTable
      const runner = yield* addRunner({ address: "busy", pid: 1, workers: 2, jobs: "[]" })
      for (const id of ["key/monday", "here/unnamed"]) {
        yield* submit([submission(id)], "here", false)
        yield* start({ id, submission: 1 }, runner, worker)
      }
      const { running } = (yield* status).runners.find(({ address }) => address === "busy")!
      assert.sameDeepMembers(running.map(({ job, key }) => [job, key]), [["square", "monday"], ["square", null]])
    }).pipe(Effect.provide(table)))

  it.effect("cancels a job that none wants who is there", () =>
    Effect.gen(function*() {
      const { leave, submit } = yield* JobTable
      const [wanted, unwanted] = ["key/wanted by one", "key/wanted by none"]
      for (const client of ["gone", "leaves"]) yield* submit([submission(unwanted)], client, false)
      for (const client of ["here", "gone", "leaves"]) yield* submit([submission(wanted)], client, false)
      const left = yield* leave([wanted, unwanted], "leaves", ["waiting"])
      assert.deepStrictEqual([wanted, unwanted].map((id) => left.get(id)), ["wanted", "waiting"])
      assert.deepStrictEqual(yield* rowOf(wanted, "state", "clients"), ["waiting", ["here"]])
      assert.strictEqual(yield* stateOf(unwanted), "cancelled")
    }).pipe(Effect.provide(table)))

  it.effect("cancels of old jobs those that nobody can ask for, and lets go of their inputs", () =>
    Effect.gen(function*() {
      const { cancelOlder, submit } = yield* JobTable
      const sql = yield* SqlClient
      const old = { "here/old": "here", "gone/old": "gone", "key/old": "gone" }
      for (const [id, client] of Object.entries(old)) yield* submit([submission(id)], client, false)
      yield* sql`UPDATE effect_futures_jobs SET created_at = now() - interval '1 hour' WHERE id LIKE '%/old'`
      yield* submit([submission("gone/young")], "gone", false)
      yield* cancelOlder(Duration.minutes(1))
      assert.deepStrictEqual(yield* Effect.forEach([...Object.keys(old), "gone/young"], stateOf), [
        "waiting",
        "cancelled",
        "waiting",
        "waiting"
      ])
      assert.deepStrictEqual(yield* rowOf("gone/old", "input"), [null])
    }).pipe(Effect.provide(table)))

  it.effect("keeps the input of a job with a key until it ends", () =>
    Effect.gen(function*() {
      const { finish, start, submit } = yield* JobTable
      const id = "key/input"
      yield* submit([submission(id)], "here", false)
      const [sent] = yield* rowOf(id, "input")
      assert.deepStrictEqual((yield* start({ id, submission: 1 }, 1, worker))?.input, sent)
      assert.deepStrictEqual((yield* start({ id, submission: 1 }, 1, worker))?.input, sent)
      yield* finish({ id, submission: 1 }, failed)
      assert.deepStrictEqual(yield* rowOf(id, "input", "reply"), [null, failed.bytes])
    }).pipe(Effect.provide(table)))

  it.effect("keeps the inputs of jobs that have not ended, and of no others", () =>
    Effect.gen(function*() {
      const { finish, inputs, submit } = yield* JobTable
      for (const id of ["waits", "ended"]) {
        yield* submit([submission(id, { inputReference: JSON.stringify({ id: `of ${id}` }) })], "here", false)
      }
      yield* finish({ id: "ended", submission: 1 }, failed)
      assert.deepStrictEqual(yield* inputs, ["of waits"])
    }).pipe(Effect.provide(table)))

  it.effect("looks through the jobs no more often for many runners than for one when it tells what the cluster does", () =>
    Effect.gen(function*() {
      const { addRunner, status } = yield* JobTable
      const sql = yield* SqlClient
      const scans = sql<{ count: bigint }>`
        SELECT seq_scan AS count FROM pg_stat_xact_user_tables WHERE relname = 'effect_futures_jobs'`
      const scansOfStatus = Effect.all([scans, status, scans]).pipe(
        Effect.map(([[before], , [after]]) => after!.count - before!.count),
        sql.withTransaction
      )
      yield* addRunner({ address: "one", pid: 1, workers: 1, jobs: "[]" })
      const forOne = yield* scansOfStatus
      for (const pid of [2, 3, 4]) yield* addRunner({ address: `runner ${pid}`, pid, workers: 1, jobs: "[]" })
      assert.strictEqual(yield* scansOfStatus, forOne)
    }).pipe(Effect.provide(table)))

  it.effect("loses the result that could not be read, and none that came since", () =>
    Effect.gen(function*() {
      const { finish, lose, submit } = yield* JobTable
      const id = "key/lost"
      const first = { id, state: "done", reply: null, replyReference: "first" } as const
      const done = { state: "done", isRefusal: false, bytes: Buffer.from("head") } as const
      yield* submit([submission(id)], "here", true)
      yield* finish({ id, submission: 1 }, { ...done, reference: "first" })
      yield* lose(first)
      assert.strictEqual(yield* stateOf(id), "failed")
      yield* submit([submission(id)], "here", true)
      yield* finish({ id, submission: 2 }, { ...done, reference: "second" })
      yield* lose(first)
      assert.strictEqual(yield* stateOf(id), "done")
    }).pipe(Effect.provide(table)))

  it.effect("goes on once the queue was offered as much as 32 bits can count, as it is at each question", () =>
    Effect.gen(function*() {
      const { ask, submit } = yield* JobTable
      const sql = yield* SqlClient
      yield* sql`SELECT setval('effect_futures_queue_sequence_seq', 2147483647)`
      yield* ask
      yield* submit([submission("here/late")], "here", false)
      const [latest] = yield* sql<{ element: string }>`
        SELECT element FROM effect_futures_queue WHERE sequence > 2147483647 ORDER BY sequence DESC LIMIT 1`
      assert.deepStrictEqual(JSON.parse(latest!.element), { id: "here/late", submission: 1 })
    }).pipe(Effect.provide(table)))

  it.effect("offers what can be taken at once, also where the server's clock goes back an hour, as in autumn", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient
      const inZone = <A, E>(zone: string, use: Effect.Effect<A, E, JobTable | SqlClient>) =>
        Effect.andThen(
          sql.unsafe(`ALTER DATABASE postgres SET timezone = '${zone}'`),
          Effect.provide(use, table, { local: true })
        )
      yield* inZone("Etc/GMT-1", JobTable.use(({ submit }) => submit([submission("here/autumn")], "here", false)))
      const due = yield* inZone(
        "Etc/GMT",
        SqlClient.use((sql) =>
          sql`SELECT element FROM effect_futures_queue WHERE visible_at <= now()
          AND element LIKE '%here/autumn%'`
        )
      )
      assert.strictEqual(due.length, 1)
    }).pipe(Effect.provide(cluster.connection)))

  it.effect("waits for the server's disk where what changes must not be forgotten, and nowhere else", () =>
    Effect.gen(function*() {
      const { url: databaseUrl } = yield* cluster.Database
      for (const [isDurable, expected] of [[true, "on"], [false, "off"]] as const) {
        const waits = yield* Effect.flatMap(SqlClient, (sql) => sql`SHOW synchronous_commit`).pipe(
          Effect.provide(Database.layer({ databaseUrl, name: "test", maxConnections: 1, isDurable }))
        )
        assert.deepStrictEqual(waits, [{ synchronous_commit: expected }])
      }
    }))
})
