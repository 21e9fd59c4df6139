import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Redacted, Schedule, Stream } from "effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import fs from "node:fs"
import { tables } from "../lib/internal/cluster/tables.ts"
import { ClusterExecutor, Executor, ExecutorError, Job } from "../lib/mod.ts"
import * as jobs from "./jobs/cluster.ts"
import * as values from "./jobs/values.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { cluster, connection, Database, program } from "./shared/cluster.ts"
import { until, untilStats } from "./shared/until.ts"

const messageOf = (databaseUrl: string) =>
  Effect.map(Effect.flip(Layer.build(ClusterExecutor.layer({ databaseUrl }))), ({ message }) => message)

layer(Database.layer, { excludeTestServices: true })("ClusterExecutor", (it) => {
  describe("what is wrong with a cluster", () => {
    it.effect("is said where no runner is up", () =>
      Effect.gen(function*() {
        const said: Array<unknown> = []
        const logger = Logger.layer([Logger.make(({ message }) => void said.push(message))])
        yield* Executor.submit(values.square, 3).pipe(
          Effect.andThen(until(() => said.length > 0)),
          Effect.provide(Layer.provide(program(), logger))
        )
        assert.include(String(said[0]), "No runner of the cluster is up")
      }))

    it.effect("is not said where no runner is up and none is needed", () =>
      Effect.gen(function*() {
        const said: Array<unknown> = []
        const logger = Logger.layer([Logger.make(({ message }) => void said.push(message))])
        const sql = yield* SqlClient
        yield* Effect.gen(function*() {
          // It has asked for the runners since this one came, and since it went.
          yield* sql`INSERT INTO effect_futures_runners (address, pid, workers, jobs) VALUES ('comes', 1, 3, '[]')`
          yield* untilStats(({ workers }) => workers === 3)
          yield* sql`DELETE FROM effect_futures_runners`
          yield* untilStats(({ workers }) => workers === 0)
          assert.deepStrictEqual(said, [])
          yield* Executor.submit(values.square, 3)
          yield* until(() => said.length > 0)
        }).pipe(Effect.provide(Layer.provide(program(), logger)))
        assert.lengthOf(said, 1)
      }).pipe(Effect.provide(connection)))

    it.effect.skipIf(process.platform !== "linux")(
      "is found out where the machine of its database is gone",
      () =>
        Effect.gen(function*() {
          const { port } = yield* Database
          // https://docs.kernel.org/networking/proc_net_tcp.html: the far port, "established", and a keepalive timer.
          const far = port.toString(16).toUpperCase().padStart(4, "0")
          const probed = new RegExp(`:${far} 01 \\S+ 02:`)
          yield* until(() => probed.test(fs.readFileSync("/proc/net/tcp", "utf8")))
        }).pipe(Effect.provide(program()))
    )

    it.effect("is said when its database is away, or nobody's", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          yield* messageOf("postgres://me:secret@127.0.0.1:1/db"),
          "The cluster's database at postgres://me@127.0.0.1:1/db cannot be used: nothing listens at 127.0.0.1:1: " +
            "start Postgres there, or a cluster by scripts/cluster.ts up"
        )
        assert.include(
          yield* messageOf("nonsense"),
          "expected a URL such as postgres://user:password@host:5432/database"
        )
        assert.include(yield* messageOf("mysql://me:secret@host/db"), `"mysql://me:…@host/db" cannot be used: expected`)
        for (
          const url of [
            "postgres://me:sec/ret@127.0.0.1:5432/db",
            "postgres://me:/secret@127.0.0.1:5432/db",
            "postgres://me:1#secret@127.0.0.1:5432/db",
            "postgres://me:1?secret@127.0.0.1:5432/db",
            "postgres://me:x@1/secret@127.0.0.1:5432/db",
            "host=localhost user=me password=secret",
            "mysql://host/db?user=me&password=secret",
            "mysql://me:s@secret@host/db"
          ]
        ) {
          assert.notMatch(yield* messageOf(url), /sec|ret|me:1/)
        }
      }))

    it.effect("is said of a wrong password, database or user, without the password", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const wrong = yield* messageOf(url.replace(/:[^:@]+@/, ":wrong@"))
        assert.match(
          wrong,
          /^The cluster's database at postgres:\/\/postgres@127\.0\.0\.1:\d+\/postgres cannot be used: /
        )
        assert.include(wrong, `the password of user "postgres" is wrong`)
        assert.include(yield* messageOf(url.replace(/postgres$/, "nowhere")), `there is no database "nowhere"`)
        const sql = yield* SqlClient
        yield* sql`CREATE ROLE homeless LOGIN PASSWORD 'secret'`
        // Then it is the user's name.
        const ofUser = url.replace(/\/\/[^@]+@/, "//homeless:secret@").replace(/\/postgres$/, "")
        assert.include(yield* messageOf(ofUser), `there is no database "homeless"`)
      }).pipe(Effect.provide(connection)))

    it.effect("is said where the database goes away while it is asked for the status", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const sql = yield* SqlClient
        const asking = yield* ClusterExecutor.status({ databaseUrl: url }).pipe(
          Effect.flip,
          Effect.forkChild({ startImmediately: true }),
          Effect.tap(() =>
            sql`SELECT pg_terminate_backend(pid) FROM pg_locks
              WHERE relation = 'effect_futures_runners'::regclass AND NOT granted`.pipe(
              Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced("20 millis") })
            )
          ),
          (ask) => Effect.andThen(sql`LOCK TABLE effect_futures_runners`, ask),
          sql.withTransaction
        )
        assert.instanceOf(yield* Fiber.join(asking), ExecutorError.ClusterUnavailable)
      }).pipe(Effect.provide(connection)))

    it.effect("is said of a user who may not connect, not make tables, or has no connection left", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const sql = yield* SqlClient
        const asUser = (name: string, rights: string) =>
          Effect.andThen(
            sql.unsafe(`CREATE ROLE ${name} ${rights} PASSWORD 'secret'`),
            messageOf(url.replace(/\/\/[^@]+@/, `//${name}:secret@`))
          )
        assert.include(
          yield* asUser("nobody", "NOLOGIN"),
          `user "nobody" may not connect: see the server's pg_hba.conf`
        )
        assert.include(yield* asUser("guest", "LOGIN"), `user "guest" may not make or use its tables: GRANT CREATE`)
        assert.include(yield* asUser("many", "LOGIN CONNECTION LIMIT 0"), "it has no connection left: raise")
      }).pipe(Effect.provide(connection)))

    it.effect("is said of tables that are others, or a later program's", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const sql = yield* SqlClient
        const inDatabase = (name: string, ...statements: ReadonlyArray<string>) =>
          Effect.gen(function*() {
            yield* sql.unsafe(`CREATE DATABASE ${name}`)
            const there = url.replace(/postgres$/, name)
            yield* Effect.provide(
              Effect.flatMap(SqlClient, (sql) => Effect.forEach(statements, (statement) => sql.unsafe(statement))),
              PgClient.layer({ url: Redacted.make(there) })
            )
            return yield* messageOf(there)
          })
        assert.include(
          yield* inDatabase("other", "CREATE TABLE effect_futures_jobs (id int)"),
          "its tables named effect_futures_… are not as this program makes them: drop them, or name another database"
        )
        const later = yield* inDatabase(
          "later",
          "CREATE TABLE effect_futures_migrations (migration_id int PRIMARY KEY, created_at timestamptz, name text)",
          "INSERT INTO effect_futures_migrations VALUES (99, now(), 'later')"
        )
        assert.include(later, "of version 99 and this program knows version 2: update")
      }).pipe(Effect.provide(connection)))

    it.effect("is said of a database that cannot keep every text", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const sql = yield* SqlClient
        for (const encoding of ["LATIN1", "SQL_ASCII"]) {
          yield* sql.unsafe(
            `CREATE DATABASE ${encoding} ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`
          )
        }
        assert.include(
          yield* messageOf(url.replace(/postgres$/, "latin1")),
          "its encoding is LATIN1, which cannot express every text: make it by createdb -E UTF8 -T template0"
        )
        yield* ClusterExecutor.status({ databaseUrl: url.replace(/postgres$/, "sql_ascii") })
      }).pipe(Effect.provide(connection)))

    it.effect("is nothing where its tables are an earlier program's: their jobs are kept", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const sql = yield* SqlClient
        yield* sql`CREATE DATABASE earlier`
        const databaseUrl = url.replace(/postgres$/, "earlier")
        yield* Effect.gen(function*() {
          const sql = yield* SqlClient
          const loader = Migrator.fromRecord({ "1_jobs": tables["1_jobs"] })
          yield* Migrator.make({})({ loader, table: "effect_futures_migrations" })
          yield* sql`INSERT INTO effect_futures_jobs (id, keyed, job, items, input_hash, options, client)
            VALUES ('key/earlier', true, 'square', 1, '', '', 'program')`
        }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(databaseUrl) })))
        assert.strictEqual((yield* ClusterExecutor.status({ databaseUrl })).jobs.waiting, 1)
        assert.strictEqual((yield* ClusterExecutor.status({ databaseUrl })).jobs.waiting, 1)
      }).pipe(Effect.provide(connection)))

    it.effect("is said where program and runner have two versions of a job", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const folder = yield* makeNotes
        const version = (name: string, factor: number) =>
          Effect.promise(async () => {
            const file = `${folder}/${name}.ts`
            const job = new URL("../lib/Job.ts", import.meta.url).href
            fs.writeFileSync(
              file,
              `import * as Job from "${job}"
              export const times = Job.make(import.meta, "times", (n: number) => n * ${factor})`
            )
            const { times } = await import(file) as { times: typeof values.square }
            return times
          })
        const runner = ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: [yield* version("old", 2)] })
        const error = yield* Executor.run(yield* version("new", 3), 1).pipe(
          Effect.flip,
          Effect.provide(Layer.merge(program(), runner))
        )
        assert.propertyVal(error, "_tag", "JobNotFound")
        assert.match(error.message, /another version of the job's module .*start the runners again from the program's/)
      }))

    it.effect("is not said of versions where the runner cannot read its own", () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const lib = new URL("../lib/Job.ts", import.meta.url).href
        const source = `import * as Job from "${lib}"; Job.make(import.meta, "square", (n) => n * n + 1)`
        const job = Job.make({ url: `data:text/javascript,${encodeURIComponent(source)}` }, "square", () => 0)
        const runner = ClusterExecutor.runner({ databaseUrl: url, maxWorkers: 1, jobs: [job] })
        const result = yield* Effect.provide(Executor.run(values.square, 3), Layer.merge(program(), runner))
        assert.strictEqual(result, 10)
      }))

    it.effect("is said of what is no job, and of inputs that are no array", () =>
      Effect.gen(function*() {
        const executor = yield* Executor.Executor
        const noJob = yield* Effect.exit(executor.execute({} as typeof values.square, [7]))
        assert.deepStrictEqual(noJob, Exit.die(new TypeError("Expected a job, as Job.make makes it: received {}")))
        const noArray = yield* Effect.exit(executor.execute(values.square, new Set([7]) as never))
        assert.deepStrictEqual(noArray, Exit.die(new TypeError("Expected an array of inputs: received Set(1) { 7 }")))
        yield* Executor.drain
      }).pipe(Effect.provide(program())))

    it.effect("is said of an input and a result over every limit", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Executor.run(jobs.longText, 30_000_000))
        assert.match(
          error.message,
          /^The result of job "longText" cannot be cloned: it is 120000\d\d\d bytes of JSON and the limit is 100000000: send/
        )
        const inputError = yield* Effect.flip(Executor.run(values.echo, "text".repeat(30_000_000)))
        assert.match(
          inputError.message,
          /^The input of job "echo" cannot be cloned: it is 120000\d\d\d bytes of JSON and/
        )
        const items = [[1, 2], Array.from({ length: 2_000_000 }, () => 0), [3]]
        const exits = yield* Stream.fromIterable(items).pipe(
          Executor.mapExit(values.echo, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.deepStrictEqual([exits[0], exits[2]], [Exit.succeed([1, 2]), Exit.succeed([3])])
        assert.include(
          String(exits[1]),
          `job "echo" cannot be cloned: it is 2000002 values of JSON or more and the limit is 2000000: send it as typed`
        )
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(cluster())))

    it.effect("is said where the results of a chunk leave no room to say it of one", () =>
      Effect.gen(function*() {
        const exits = yield* Stream.make(1_999_980, 5, 5).pipe(
          Executor.mapExit(jobs.zeros, { chunkSize: 3 }),
          Stream.runCollect
        )
        assert.lengthOf(exits, 3)
        for (const exit of exits) {
          assert.match(String(exit), /The result of job "zeros" cannot be cloned: it is \d+ values of JSON or more and/)
        }
      }).pipe(Effect.provide(cluster())))
  })

  describe("a folder for results that cannot be written", () => {
    it.effect("fails the jobs that need it, and no others", () =>
      Effect.gen(function*() {
        const input = yield* Effect.flip(Executor.run(values.echo, new Uint8Array(2_000_000)))
        assert.match(input.message, /^The input of job "echo" cannot be cloned: Result .* cannot be stored or read: E/)
        const result = yield* Effect.flip(Executor.run(values.bytes, { count: 2_000_000, n: 1 }))
        assert.match(
          result.message,
          /^The result of job "bytes" cannot be cloned: Result .* cannot be stored or read: E/
        )
        assert.strictEqual(yield* Executor.run(values.square, 3), 9)
      }).pipe(Effect.provide(cluster({ resultFolder: "/dev/null/results" }))))

    it.effect("fails a chunk where to say it of each result is more than a message holds", () =>
      Effect.gen(function*() {
        const exits = yield* Stream.fromIterable(Array.from({ length: 6000 }, () => 50)).pipe(
          Executor.mapExit(jobs.longText, { chunkSize: 6000 }),
          Stream.runCollect
        )
        assert.lengthOf(exits, 6000)
        for (const exit of exits) assert.include(String(exit), "cannot be stored or read: E")
      }).pipe(Effect.provide(cluster({ resultFolder: "/dev/null/results" }))))
  })
})
