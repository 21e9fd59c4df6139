/** The tables of a cluster beside those of Effect's own queue, one migration after the other. */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"

export const tables = {
  "1_jobs": Effect.gen(function*() {
    const sql = yield* SqlClient
    yield* sql`CREATE TABLE effect_futures_jobs (
      id text PRIMARY KEY,
      keyed boolean NOT NULL,
      job text NOT NULL,
      source text,
      state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
      items integer NOT NULL,
      submission integer NOT NULL DEFAULT 1,
      attempts integer NOT NULL DEFAULT 0,
      input bytea,
      input_reference text,
      input_hash text NOT NULL,
      options text NOT NULL,
      trace text,
      client text NOT NULL,
      runner integer,
      worker integer,
      created_at timestamptz NOT NULL DEFAULT now(),
      started_at timestamptz,
      settled_at timestamptz,
      reply bytea,
      reply_reference text
    )`
    yield* sql`CREATE INDEX effect_futures_jobs_state ON effect_futures_jobs (state)
      WHERE state IN ('waiting', 'running')`
    yield* sql`CREATE INDEX effect_futures_jobs_settled ON effect_futures_jobs (settled_at)`
    yield* sql`CREATE TABLE effect_futures_runners (
      id serial PRIMARY KEY,
      address text NOT NULL,
      pid integer NOT NULL,
      workers integer NOT NULL,
      shards integer NOT NULL DEFAULT 0,
      jobs text NOT NULL,
      started_at timestamptz NOT NULL DEFAULT now(),
      seen_at timestamptz NOT NULL DEFAULT now()
    )`
    yield* sql`CREATE TABLE effect_futures_results (
      id text NOT NULL,
      part integer NOT NULL,
      bytes bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (id, part)
    )`
    yield* sql`ALTER TABLE effect_futures_results ALTER bytes SET STORAGE EXTERNAL`
  }),

  "2_clients": Effect.gen(function*() {
    const sql = yield* SqlClient
    yield* sql`ALTER TABLE effect_futures_jobs ALTER client TYPE text[] USING ARRAY[client]`
    yield* sql`ALTER TABLE effect_futures_jobs RENAME client TO clients`
  })
}

/** Makes those that are not there yet. */
export const makeTables = Migrator.make({})({
  loader: Migrator.fromRecord(tables),
  table: "effect_futures_migrations"
})
