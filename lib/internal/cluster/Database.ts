/** The database of a cluster: its connections, its tables, and what to do where it cannot be used. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Redacted from "effect/Redacted"
import { MinimumLogLevel } from "effect/References"
import { SqlClient } from "effect/sql/SqlClient"
import { ClusterUnavailable } from "../../ExecutorError.ts"
import { failingAway } from "./persist.ts"
import { makeTables, tables } from "./tables.ts"

export interface Options {
  readonly databaseUrl: string
  /** What the server's own list of connections calls them. */
  readonly name: string
  readonly maxConnections: number
  /**
   * Whether each change is on the server's disk before it is acknowledged. Where it is not, a change that says so itself
   * is, with all that came before it.
   */
  readonly isDurable: boolean
  /** How often the queue is asked, by those who take jobs. */
  readonly pollInterval?: Duration.Duration
}

/** A runner that is not heard of for so long has lost its jobs. */
const lockExpirationSeconds = 3

/** The connections and the queue of jobs, once the tables are there. */
export const layer = ({ databaseUrl, isDurable, maxConnections, name, pollInterval = Duration.zero }: Options) =>
  Layer.effectContext(Effect.gen(function*() {
    const url = yield* parse(databaseUrl)
    const queue = PersistedQueue.layerStoreSql({
      tableName: "effect_futures_queue",
      pollInterval,
      lockExpiration: lockExpirationSeconds * 1000,
      lockRefreshInterval: lockExpirationSeconds * 1000 / 3
    }).pipe(Layer.tap(() => Effect.ignore(widenCounter)))
    const connections = PgClient.layer({
      url: Redacted.make(databaseUrl),
      applicationName: name,
      maxConnections,
      // The queue's times are those of the session's zone, which can go back an hour; this one does not.
      startupParameters: { timezone: "UTC", ...(!isDurable && { synchronous_commit: "off" }) },
      connectTimeout: "10 seconds",
      // A machine that is gone without a word would be waited for for ever.
      keepAlive: "10 seconds"
    })
    return yield* PersistedQueue.layer.pipe(
      Layer.provideMerge(queue),
      Layer.provideMerge(Layer.effectDiscard(migrate)),
      Layer.provideMerge(connections),
      Layer.fresh,
      Layer.build,
      Effect.withTracerEnabled(false),
      // While it is away the queue would say so several times a second; `persist` says it once a minute.
      Effect.provideService(MinimumLogLevel, "Error"),
      failingAway,
      Effect.mapError((error) => unavailable(url, error))
    )
  }))

const parse = (databaseUrl: string) => {
  const parsed = typeof databaseUrl === "string" ? URL.parse(databaseUrl) : null
  const url = parsed !== null && isCut(parsed) ? null : parsed
  return url !== null && /^postgres(?:ql)?:$/.test(url.protocol)
    ? Effect.succeed(url)
    : Effect.fail(
      new ClusterUnavailable({
        // What cannot be read can hold a password anywhere.
        database: url === null ? "a place that is no URL" : JSON.stringify(withoutPassword(url)),
        reason: "expected a URL such as postgres://user:password@host:5432/database, its password percent-encoded"
      })
    )
}

/** Whether a password that is not percent-encoded ends the host, and goes on in what follows. */
const isCut = ({ hash, pathname, search, username }: URL) =>
  `${pathname}${hash}${username === "" ? search : ""}`.includes("@")

const withoutPassword = ({ host, password, pathname, protocol, username }: URL) =>
  `${protocol}//${username}${password && ":…"}${(username || password) && "@"}${host}${pathname}`

const migrate = Effect.gen(function*() {
  const sql = yield* SqlClient
  const [encoding] = yield* sql<{ name: string }>`SELECT current_setting('server_encoding') AS name`
  if (!expressesAll.has(encoding!.name)) return yield* Effect.fail(new OtherEncoding(encoding!.name))
  yield* makeTables
  const [latest] = yield* sql<{ id: number }>`SELECT max(migration_id) AS id FROM effect_futures_migrations`
  const known = Object.keys(tables).length
  if (latest!.id > known) return yield* Effect.fail(new OtherTables({ latest: latest!.id, known }))
  yield* sql`SELECT submission, attempts, input_hash, reply_reference, clients FROM effect_futures_jobs LIMIT 0`
})

/**
 * The queue counts in 32 bits what it is offered, also what it has: a runner's question is such an offer, so that busy
 * runners would be at the end within weeks. Who does not own the counter leaves it to who does.
 */
const widenCounter = Effect.gen(function*() {
  const sql = yield* SqlClient
  const [narrow] = yield* sql`SELECT FROM pg_sequence
    WHERE seqrelid = to_regclass('effect_futures_queue_sequence_seq') AND seqtypid = 'integer'::regtype`
  if (narrow !== undefined) yield* sql`ALTER SEQUENCE effect_futures_queue_sequence_seq AS bigint`
})

/** The encodings in which every text can be kept; what cannot be would be tried again for ever. */
const expressesAll = new Set(["UTF8", "SQL_ASCII"])

class OtherEncoding extends Error {
  readonly _tag = "OtherEncoding"
  constructor(name: string) {
    super(`its encoding is ${name}, which cannot express every text: make it by createdb -E UTF8 -T template0`)
  }
}

/** The tables were made by a later program. */
class OtherTables extends Error {
  readonly _tag = "OtherTables"
  constructor({ known, latest }: { readonly latest: number; readonly known: number }) {
    super(
      `its tables are of version ${latest} and this program knows version ${known}: update effect-futures, or name another database`
    )
  }
}

/** What is said where the database at `url` cannot be used because of `error`. */
export const unavailable = (url: URL, error: unknown) =>
  new ClusterUnavailable({
    database: withoutPassword(Object.assign(new URL(url), { password: "" })),
    reason: reasonOf(url, error)
  })

/** The server's own codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const advice: Record<string, (url: URL) => string> = {
  ECONNREFUSED: ({ host }) => `nothing listens at ${host}: start Postgres there, or a cluster by scripts/cluster.ts up`,
  ENOTFOUND: ({ hostname }) => `there is no host ${hostname}: expected the name or address of one`,
  ETIMEDOUT: ({ host }) => `${host} does not answer: is it the right host, and is its firewall open?`,
  "28P01": ({ username }) =>
    `the password of user "${username}" is wrong: expected postgres://user:password@host/database`,
  "28000": ({ username }) => `user "${username}" may not connect: see the server's pg_hba.conf`,
  "3D000": ({ pathname, username }) =>
    `there is no database "${pathname.slice(1) || username}": make it by createdb, or name another`,
  "42501": ({ username }) =>
    `user "${username}" may not make or use its tables: GRANT CREATE ON SCHEMA public, or name another`,
  "42703": () => otherTables,
  "42P01": () => otherTables,
  "42P07": () => otherTables,
  "53300": () => "it has no connection left: raise its max_connections, or put a pooler before it"
}

const otherTables =
  "its tables named effect_futures_… are not as this program makes them: drop them, or name another database"

const reasonOf = (url: URL, error: unknown): string => {
  const chain = causes(error)
  for (const { code } of chain) {
    const known = typeof code === "string" ? advice[code] : undefined
    if (known !== undefined) return known(url)
  }
  const last = chain.at(-1)
  return last instanceof Error ? last.message : String(last)
}

/** An error and what it came from. */
const causes = (error: unknown): Array<{ readonly code?: unknown }> => {
  const found: Array<{ readonly code?: unknown }> = []
  for (let at = error; typeof at === "object" && at !== null && found.length < 10; at = (at as Error).cause) {
    found.push(at)
  }
  return found
}
