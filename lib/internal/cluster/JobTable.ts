/**
 * The jobs of a cluster, each a row from its submission until housekeeping takes it away.
 *
 * A job waits, runs, and ends once: as done, failed or cancelled. Whoever ends it first has the last word, so a runner
 * that was thought dead cannot answer twice. Effect's queue hands the jobs to the runners; a job that is asked for again
 * after it was cancelled, or failed, goes into the queue as a new submission.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type { RunnerStatus, Status } from "../../ClusterExecutor.ts"
import { now } from "../clock.ts"
import type { Stored } from "./messages.ts"
import { keyPrefix } from "./names.ts"
import { type Ran, type RemoteWorker, workersPerRunner } from "./RunnerClocks.ts"

/** What the queue holds. */
export const Ticket = Schema.Struct({ id: Schema.String, submission: Schema.Int })
export type Ticket = typeof Ticket.Type

/** A job as its client submits it. */
export interface Submission {
  readonly id: string
  readonly keyed: boolean
  readonly job: string
  readonly source: string | undefined
  readonly items: number
  readonly input: Uint8Array | undefined
  readonly inputReference: string | undefined
  readonly inputHash: string
  readonly options: string
  readonly trace: string | undefined
}

/** What was known of a job that was submitted. */
export interface Submitted {
  readonly id: string
  readonly submission: number
  readonly state: State
  readonly job: string
  readonly inputReference: string | null
  readonly inputHash: string
  /** What its row refers to no more. */
  readonly replaced: ReadonlyArray<string> | null
}

export type State = "waiting" | "running" | "done" | "failed" | "cancelled"

/** What was found of a job that its client left: `wanted` by others. */
export type Left = State | "wanted"

/** A job as its runner is given it. */
export interface Started {
  readonly job: string
  readonly source: string | null
  readonly input: Uint8Array | null
  readonly inputReference: string | null
  readonly options: string
  readonly trace: string | null
  /** How many runners have begun it, this one included. */
  readonly attempts: number
}

/** How far a job is. */
export type Known =
  & { readonly id: string }
  & (
    | { readonly state: Exclude<State, "running"> }
    | { readonly state: "running" } & RemoteWorker
  )

/** How a job ended. */
export interface Ended {
  readonly id: string
  readonly state: State
  readonly reply: Uint8Array | null
  readonly replyReference: string | null
}

export interface Reply extends Stored {
  readonly state: "done" | "failed"
  /** Whether the cluster could not run it, or not store its result, which is nothing to keep under a key. */
  readonly isRefusal: boolean
}

/** A runner as it says of itself. */
export interface Runner {
  readonly address: string
  readonly pid: number
  readonly workers: number
  readonly jobs: string
}

/** What a client hears of a job. */
export type News =
  & { readonly id: string }
  & (
    | { readonly _tag: "Started" } & RemoteWorker
    | { readonly _tag: "Ended" }
    /** The worker of a job that was cancelled is free. */
    | { readonly _tag: "Stopped" } & Ran
  )

/** The channel on which a client hears of its jobs: each time a {@link News} as JSON. */
export const clientChannel = (client: string) => `effect_futures_client_${client}`

/** What a client's connections are called: one that has none is gone. */
export const connectionName = (client: string) => `effect-futures client ${client}`

/** The channel on which runners hear that there are jobs, and of jobs that nobody wants any more. */
export const runnersChannel = "effect_futures_runners"

/** How long a runner is taken for alive that is not heard of. */
const runnerSilenceSeconds = 5

/** The most jobs that are asked for together. */
export const namesAtOnce = 1000

export class JobTable extends Context.Service<JobTable, Effect.Success<typeof make>>()("effect-futures/JobTable") {
  static readonly layer = Layer.effect(JobTable, Effect.suspend(() => make))
}

const make = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  const queue = yield* PersistedQueue.make({
    name: "jobs",
    schema: Ticket,
    // A job that takes its runners down is ended by them, so that its client hears of it.
    maxAttempts: 1_000_000,
    // By default it would wait the longer the more often it was taken, for up to five minutes.
    retrySchedule: Schedule.spaced("1 second")
  })

  /** Tells all who want a job. */
  const tell = (news: News) =>
    sql`(
      SELECT count(pg_notify('effect_futures_client_' || client, ${JSON.stringify(news)})::text)
      FROM unnest(clients) AS client
    )`

  const isThere = sql`EXISTS (
    SELECT FROM pg_stat_activity WHERE application_name = ${connectionName("")} || client
  )`

  /** A program that is frozen within a transaction would keep others from its jobs, and a runner from ending them. */
  const limitSilence = sql`SET LOCAL idle_in_transaction_session_timeout = '10s'`

  const isHeardOf = sql`seen_at > now() - make_interval(secs => ${runnerSilenceSeconds})`

  return {
    listen: sql.listen,

    /** Waits for a job and hands it over. Asks at once, then each `pollInterval`, and when it is told to. */
    take: queue.take,

    /** Has `take` ask at once, as it does at each offer; what is offered here is in the queue already, so nothing is added. */
    ask: queue.offer({ id: "", submission: 0 }, { id: "nothing" }),

    /** Tells the runners that there are jobs. Does not wait for the disk: if that is lost, they ask by themselves. */
    announce: sql`SELECT pg_notify(${runnersChannel}, ''), set_config('synchronous_commit', 'off', true)`,

    /**
     * Puts jobs into the queue that are not there; may be done again, and what has failed meanwhile is what was asked for.
     * Tells of each what is known of it.
     */
    submit: (
      jobs: Arr.NonEmptyReadonlyArray<Submission>,
      client: string,
      retryFailed: boolean,
      askedAt = now()
    ) =>
      Effect.gen(function*() {
        const same = sql`(jobs.job = excluded.job AND jobs.input_hash = excluded.input_hash)`
        const again = sql`(${same} AND (jobs.state = 'cancelled'
          OR (jobs.state = 'failed' AND excluded.keyed AND (${retryFailed} OR NOT jobs.keyed)
            AND jobs.settled_at <= clock_timestamp() - make_interval(secs => ${(now() - askedAt) / 1000}))))`
        const rows = yield* sql<Submitted & { readonly createdAt: string }>`
          INSERT INTO effect_futures_jobs AS jobs ${
          sql.insert(Arr.map(jobs, (job) => ({
            id: job.id,
            keyed: job.keyed,
            job: job.job,
            source: job.source ?? null,
            items: job.items,
            input: job.input ?? null,
            input_reference: job.inputReference ?? null,
            input_hash: job.inputHash,
            options: job.options,
            trace: job.trace ?? null,
            clients: `{${client}}`
          })))
        }
          ON CONFLICT (id) DO UPDATE SET
            clients = CASE WHEN ${again} THEN excluded.clients
              WHEN ${same} AND jobs.settled_at IS NULL THEN array_remove(jobs.clients, ${client}) || excluded.clients
              ELSE jobs.clients END,
            source = CASE WHEN ${same} THEN excluded.source ELSE jobs.source END,
            keyed = CASE WHEN ${again} THEN excluded.keyed ELSE jobs.keyed END,
            submission = jobs.submission + CASE WHEN ${again} THEN 1 ELSE 0 END,
            input = CASE WHEN ${again} THEN excluded.input ELSE jobs.input END,
            input_reference = CASE WHEN ${again} THEN excluded.input_reference ELSE jobs.input_reference END,
            options = CASE WHEN ${again} THEN excluded.options ELSE jobs.options END,
            trace = CASE WHEN ${again} THEN excluded.trace ELSE jobs.trace END,
            attempts = CASE WHEN ${again} THEN 0 ELSE jobs.attempts END,
            reply = CASE WHEN ${again} THEN NULL ELSE jobs.reply END,
            reply_reference = CASE WHEN ${again} THEN NULL ELSE jobs.reply_reference END,
            settled_at = CASE WHEN ${again} THEN NULL ELSE jobs.settled_at END,
            state = CASE WHEN ${again} THEN 'waiting' ELSE jobs.state END
          RETURNING jobs.id, jobs.submission, jobs.state, jobs.job, jobs.input_reference AS "inputReference",
            jobs.input_hash AS "inputHash",
            CASE WHEN jobs.submission > 1 THEN (
              SELECT array_remove(ARRAY[
                nullif(before.input_reference, jobs.input_reference),
                nullif(before.reply_reference, jobs.reply_reference)
              ], NULL)
              FROM effect_futures_jobs AS before WHERE before.id = jobs.id
            ) END AS replaced,
            extract(epoch FROM jobs.created_at)::text AS "createdAt"`
        for (const { createdAt, id, state, submission } of rows) {
          // The queue takes a submission once, however often it is offered, and has no room for a long name.
          const name = `${createdAt}/${submission}/${createHash("sha256").update(id).digest("hex")}`
          if (state === "waiting") yield* queue.offer({ id, submission }, { id: name })
        }
        return rows
        // Many have one flush of the disk together; one has fewer round trips without.
      }).pipe((submitted) =>
        jobs.length === 1 ? submitted : sql.withTransaction(Effect.andThen(limitSilence, submitted))
      ),

    /** Begins a job, if it has not ended; its clients hear of it. The row has no room for a worker's whole number. */
    start: ({ id, submission }: Ticket, runner: number, worker: RemoteWorker) =>
      Effect.map(
        sql<Started>`
          WITH started AS (
            UPDATE effect_futures_jobs
            SET state = 'running', runner = ${runner}, worker = ${worker.workerId % workersPerRunner},
              attempts = attempts + 1, started_at = now()
            WHERE id = ${id} AND submission = ${submission} AND state IN ('waiting', 'running')
            RETURNING *
          )
          SELECT job, source, input, input_reference AS "inputReference", options, trace, attempts,
            ${tell({ _tag: "Started", id, ...worker })}
          FROM started`,
        ([started]) => started
      ),

    /**
     * Ends a job, if nobody has, and lets go of its input; its clients hear of it. Tells whether this was its end, also when
     * it is asked again.
     */
    finish: ({ id, submission }: Ticket, { bytes, isRefusal, reference, state }: Reply) =>
      Effect.map(
        sql`
          WITH ended AS (
            UPDATE effect_futures_jobs
            SET state = ${state}, keyed = keyed AND ${!isRefusal}, input = NULL,
              reply = CASE WHEN settled_at IS NULL THEN ${bytes ?? null} ELSE reply END,
              reply_reference = ${reference ?? null}, settled_at = now()
            WHERE id = ${id} AND submission = ${submission}
              AND (state IN ('waiting', 'running') OR reply_reference = ${reference ?? null})
            RETURNING clients
          )
          SELECT ${tell({ _tag: "Ended", id })},
            set_config('synchronous_commit', 'on', true)
          FROM ended`,
        (ended) => ended.length > 0
      ),

    /** Gives a job back that this runner has begun and does not end. */
    release: ({ id, submission }: Ticket, runner: number) =>
      sql`
        UPDATE effect_futures_jobs SET state = 'waiting', attempts = attempts - 1
        WHERE id = ${id} AND submission = ${submission} AND state = 'running' AND runner = ${runner}`,

    /** Tells the clients of a cancelled job that its worker is free, and when that had it. */
    stopped: ({ id, submission }: Ticket, ran: Ran) =>
      sql`
        SELECT ${tell({ _tag: "Stopped", id, ...ran })}
        FROM effect_futures_jobs WHERE id = ${id} AND submission = ${submission}`,

    /**
     * The client wants the jobs no more that have not ended, or not even begun. Those that no other wants are cancelled, and
     * their runners hear of it. Tells the states that they were in, or that others want them.
     */
    leave: (ids: ReadonlyArray<string>, client: string, ofStates: ReadonlyArray<State>) =>
      Effect.map(
        sql<{ readonly id: string; readonly state: Left }>`
          WITH old AS (
            SELECT id, state, ARRAY(
              SELECT client FROM unnest(array_remove(clients, ${client})) AS client WHERE ${isThere}
            ) AS others
            FROM effect_futures_jobs WHERE ${
          sql.and([sql.in("id", ids), sql.in("state", ofStates)])
        } ORDER BY id FOR UPDATE
          ), wanted AS (
            UPDATE effect_futures_jobs AS jobs SET clients = old.others
            FROM old WHERE jobs.id = old.id AND others <> '{}'
            RETURNING old.id
          ), cancelled AS (
            UPDATE effect_futures_jobs AS jobs SET state = 'cancelled', settled_at = now()
            FROM old WHERE jobs.id = old.id AND others = '{}'
            RETURNING old.id, old.state
          )
          SELECT id, state, CASE WHEN state = 'running' THEN pg_notify(${runnersChannel}, id) END
          FROM cancelled
          UNION ALL SELECT id, 'wanted', NULL FROM wanted`,
        (rows) => new Map(rows.map(({ id, state }) => [id, state]))
      ),

    /** The submissions of those of the jobs that have not ended, and how many runners have begun them. */
    wanted: (ids: ReadonlyArray<string>) =>
      Effect.map(
        sql<Ticket & Pick<Started, "attempts">>`
          SELECT id, submission, attempts FROM effect_futures_jobs WHERE ${sql.in("id", ids)} AND settled_at IS NULL`,
        (rows) => new Map(rows.map((row) => [row.id, row]))
      ),

    /** The runner that began a job as the one of that number is alive, so those after it do not count. */
    outlive: ({ id, submission }: Ticket, attempt: number) =>
      sql`
        UPDATE effect_futures_jobs SET attempts = ${attempt}
        WHERE id = ${id} AND submission = ${submission} AND attempts > ${attempt}`,

    /** Those of the jobs that have ended. */
    ended: (ids: ReadonlyArray<string>) =>
      sql<Ended>`
        SELECT id, state, reply, reply_reference AS "replyReference" FROM effect_futures_jobs
        WHERE ${sql.in("id", ids)} AND state IN ('done', 'failed', 'cancelled')`,

    /** How far those of the jobs are that are in the table still. */
    states: (ids: ReadonlyArray<string>) =>
      Effect.map(
        sql<Known>`
          SELECT jobs.id, state, coalesce(address, 'runner ' || runner) AS runner,
            runner::float8 * ${workersPerRunner} + worker % ${workersPerRunner} AS "workerId"
          FROM effect_futures_jobs AS jobs LEFT JOIN effect_futures_runners AS runners ON runners.id = runner
          WHERE ${sql.in("jobs.id", ids)}`,
        (rows) => new Map(rows.map((row) => [row.id, row]))
      ),

    /**
     * The result that stands under a key is gone, unless another has come since: the job counts as failed, so that it can be
     * asked for again.
     */
    lose: ({ id, replyReference }: Ended) =>
      sql`
        UPDATE effect_futures_jobs SET state = 'failed'
        WHERE id = ${id} AND keyed AND state = 'done' AND reply_reference IS NOT DISTINCT FROM ${replyReference}`,

    /** Lets go of what was sent, where nobody can ask for it again; of any number of jobs. */
    forget: (ids: ReadonlyArray<string>) =>
      sql`
        UPDATE effect_futures_jobs SET input = NULL, reply = NULL
        WHERE id IN (SELECT json_array_elements_text(${JSON.stringify(ids)}::json))
          AND NOT keyed AND state IN ('done', 'failed', 'cancelled')`,

    /** The ids of the results that are inputs of jobs which have not ended. */
    inputs: Effect.map(
      sql<{ readonly id: string }>`
        SELECT input_reference::json ->> 'id' AS id FROM effect_futures_jobs
        WHERE state IN ('waiting', 'running') AND input_reference IS NOT NULL`,
      (rows) => rows.map(({ id }) => id)
    ),

    /** How many workers the runners have that are alive. */
    workers: Effect.map(
      sql<{ readonly workers: number }>`
        SELECT coalesce(sum(workers), 0)::int AS workers FROM effect_futures_runners WHERE ${isHeardOf}`,
      ([sum]) => sum!.workers
    ),

    status: Effect.gen(function*() {
      const runners = yield* sql<Omit<RunnerStatus, "running"> & { readonly running: string }>`
        WITH ended AS MATERIALIZED (
          SELECT runner, count(*)::int AS jobs FROM effect_futures_jobs WHERE state IN ('done', 'failed') GROUP BY runner
        )
        SELECT runners.pid, runners.address, runners.workers, runners.shards, least(count(jobs.id), runners.workers)::int AS busy,
          coalesce((SELECT ended.jobs FROM ended WHERE ended.runner = runners.id), 0) AS ended,
          coalesce(json_agg(json_build_object(
            'job', jobs.job,
            'key', CASE WHEN jobs.keyed THEN substr(jobs.id, ${keyPrefix.length + 1}) END,
            'ms', floor(extract(epoch FROM now() - jobs.started_at) * 1000)
          ) ORDER BY jobs.started_at) FILTER (WHERE jobs.id IS NOT NULL), '[]')::text AS running
        FROM effect_futures_runners AS runners
        LEFT JOIN effect_futures_jobs AS jobs ON jobs.runner = runners.id AND jobs.state = 'running'
        WHERE ${isHeardOf}
        GROUP BY runners.id ORDER BY runners.id`
      const [jobs] = yield* sql<Status["jobs"]>`
        SELECT count(*) FILTER (WHERE state = 'waiting')::int AS waiting,
          count(*) FILTER (WHERE state = 'running')::int AS running,
          count(*) FILTER (WHERE state = 'done')::int AS done,
          count(*) FILTER (WHERE state = 'failed')::int AS failed,
          (count(*) FILTER (WHERE settled_at > now() - interval '10 s') / 10.0)::float8 AS "perSecond"
        FROM effect_futures_jobs`
      const status: Status = {
        runners: runners.map(({ running, ...runner }) => ({ ...runner, running: JSON.parse(running) })),
        jobs: jobs!
      }
      return status
    }),

    /** Adds a runner, and tells its number, which no other gets, whether or not the server crashes. */
    addRunner: (runner: Runner) =>
      Effect.map(
        sql<{ readonly id: number }>`INSERT INTO effect_futures_runners ${sql.insert({ ...runner })}
          RETURNING id, set_config('synchronous_commit', 'on', true)`,
        ([added]) => added!.id
      ),

    /**
     * The runner is alive, also where it was removed for it had not been heard of. Tells how many others are that were
     * there before it.
     */
    seeRunner: (id: number, runner: Runner, shards: number) =>
      Effect.map(
        sql<{ readonly older: number }>`
          INSERT INTO effect_futures_runners ${sql.insert({ ...runner, id, shards })}
          ON CONFLICT (id) DO UPDATE SET seen_at = now(), shards = excluded.shards
          RETURNING (SELECT count(*)::int FROM effect_futures_runners
            WHERE id < ${id} AND ${isHeardOf}) AS older`,
        ([seen]) => seen!.older
      ),

    /** Whether a runner is heard of. */
    isAlive: (id: number) =>
      Effect.map(
        sql`SELECT id FROM effect_futures_runners WHERE id = ${id} AND ${isHeardOf}`,
        (found) => found.length > 0
      ),

    /** Removes the jobs that ended so long ago. */
    removeOlder: (age: Duration.Duration) =>
      sql`DELETE FROM effect_futures_jobs
        WHERE settled_at < now() - make_interval(secs => ${Duration.toSeconds(age)})`,

    /** Cancels the jobs of that age whose results nobody can ask for: they have no key, and their programs are gone. */
    cancelOlder: (age: Duration.Duration) =>
      sql`
        WITH cancelled AS (
          UPDATE effect_futures_jobs SET state = 'cancelled', settled_at = now(), input = NULL
          WHERE state IN ('waiting', 'running') AND NOT keyed
            AND created_at < now() - make_interval(secs => ${Duration.toSeconds(age)})
            AND NOT EXISTS (SELECT FROM unnest(clients) AS client WHERE ${isThere})
          RETURNING id
        )
        SELECT pg_notify(${runnersChannel}, id) FROM cancelled`,

    /** Removes the runners that died. */
    removeDeadRunners: sql`DELETE FROM effect_futures_runners WHERE seen_at < now() - interval '1 hour'`,

    removeRunner: (id: number) => sql`DELETE FROM effect_futures_runners WHERE id = ${id}`
  }
})
