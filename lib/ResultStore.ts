/**
 * Keeps what is too large for a message: a runner writes it in pieces, and a reader elsewhere has it by reference.
 *
 * What is read is checked: a piece that is missing, or a byte that changed, fails with `StoreFailed`.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import fs from "node:fs/promises"
import path from "node:path"
import { crc32 } from "node:zlib"
import { persist, reasonOf } from "./internal/cluster/persist.ts"
import { inParts, pieceBytes } from "./internal/cluster/storing.ts"

/** See the module's comment. */
export class ResultStore extends Context.Service<ResultStore, {
  /** Writes `pieces`, one after the other, and tells how to find them. What was written goes if it is interrupted. */
  readonly write: (pieces: Iterable<Uint8Array>) => Effect.Effect<Reference, StoreFailed>
  /**
   * The bytes in pieces of at most {@link pieceBytes}, each of which lasts until the next; fails at the latest at their end
   * if they are not those written.
   */
  readonly read: (reference: Reference) => Stream.Stream<Uint8Array, StoreFailed>
  /** Where results are files: one that a thread of this process is to write by itself. */
  readonly reserve?: () => Place
  /** Removes what was written, if it is still there. */
  readonly remove: (where: Pick<Reference, "id">) => Effect.Effect<void>
  /** Removes all that is older, but for what has these ids. */
  readonly removeOlder: (age: Duration.Input, except?: ReadonlyArray<string>) => Effect.Effect<void, StoreFailed>
}>()("effect-futures/ResultStore") {}

/** Where a result is and what it has to be. */
export const Reference = Schema.Struct({
  /** The store that has it. */
  store: Schema.String,
  id: Schema.String,
  bytes: Schema.Int,
  /** CRC-32: against what goes wrong, not against who does. */
  hash: Schema.Int
})
export type Reference = typeof Reference.Type

/** Where a result will be. */
export interface Place extends Pick<Reference, "store" | "id"> {
  readonly file: string
}

/** What was written cannot be had, or is not what was written. */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  id: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `Result ${this.id} cannot be stored or read: ${this.reason}`
  }
}

export { pieceBytes }

/** Results as files of a folder, which all runners and readers must share. */
export const layerFolder = (name: string): Layer.Layer<ResultStore> =>
  Layer.sync(ResultStore, () => {
    const folder = path.resolve(name)
    const store = `folder ${folder}`
    const fileOf = (id: string) => path.join(folder, id)

    const write = (id: string, pieces: Iterable<Uint8Array>) =>
      Effect.acquireUseRelease(
        attempt(id, async () => {
          await fs.mkdir(folder, { recursive: true })
          return await fs.open(fileOf(id), "wx")
        }),
        (file) =>
          hashed({ store, id }, pieces, (piece) =>
            attempt(id, async () => {
              for (let at = 0; at < piece.length;) at += (await file.write(piece, at)).bytesWritten
            })),
        (file) => attempt(id, () => file.close())
      ).pipe(Effect.onError(() => remove(id)))

    const open = (id: string) =>
      Effect.acquireRelease(
        attempt(id, () => fs.open(fileOf(id))),
        (file) => Effect.promise(() => file.close())
      )

    const remove = (id: string) => Effect.promise(() => fs.rm(fileOf(id), { force: true }).catch(() => {}))

    return ResultStore.of({
      write: (pieces) => Effect.suspend(() => write(randomUUID(), pieces)),
      read: (reference) =>
        Stream.unwrap(Effect.map(open(reference.id), (file) => {
          // Read into fresh memory at once, each page is faulted in twice on some machines: for the system, and the reader.
          const space = Buffer.allocUnsafe(Math.min(pieceBytes, reference.bytes))
          return Stream.fromEffectRepeat(attempt(reference.id, async () => {
            const { buffer, bytesRead } = await file.read(space)
            return buffer.subarray(0, bytesRead)
          })).pipe(Stream.takeWhile((piece) => piece.length > 0))
        })).pipe(checked(store, reference)),
      reserve: () => {
        const id = randomUUID()
        return { store, id, file: fileOf(id) }
      },
      remove: ({ id }) => isId(id) ? remove(id) : Effect.void,
      removeOlder: (age, except = []) =>
        Effect.tryPromise({
          try: async () => {
            const before = Date.now() - Duration.toMillis(age)
            const kept = new Set(except)
            const failures: Array<unknown> = []
            for (const name of await fs.readdir(folder).catch(() => [])) {
              if (kept.has(name) || !isId(name)) continue
              // Its reader may have removed it meanwhile.
              const { mtimeMs } = await fs.stat(fileOf(name)).catch(() => ({ mtimeMs: Infinity }))
              // Another user's, say: the rest is to go all the same.
              if (mtimeMs < before) await fs.rm(fileOf(name), { force: true }).catch((cause) => failures.push(cause))
            }
            if (failures.length > 0) throw failures[0]
          },
          catch: lost("of that age")
        })
    })
  })

/** Interruption waits for the step: one that went on would use memory that has been given back, or a removed file. */
const attempt = <A>(id: string, step: () => Promise<A>) =>
  Effect.uninterruptible(Effect.tryPromise({ try: step, catch: lost(id) }))

/** Results as rows of a cluster's database, for machines that share no folder; its tables are made where they are not there. */
export const layerPostgres: Layer.Layer<ResultStore, never, SqlClient> = Layer.effect(
  ResultStore,
  Effect.gen(function*() {
    const sql = yield* SqlClient
    const store = "postgres"
    yield* Effect.withTracerEnabled(makeTables(sql), false)

    const remove = (id: string) => sql`DELETE FROM effect_futures_results WHERE id = ${id}`

    const write = (id: string, pieces: Iterable<Uint8Array>) =>
      Effect.suspend(() => {
        let part = 0
        return hashed({ store, id }, pieces, (bytes) => {
          const row = sql.insert({ id, part: part++, bytes })
          // Interruption waits for each row: one on its way would come after the removal. On the disk before it counts as
          // written, or a crash of the server would lose it.
          return persist(Effect.uninterruptible(
            sql`INSERT INTO effect_futures_results ${row} ON CONFLICT DO NOTHING
              RETURNING set_config('synchronous_commit', 'on', true)`
          ))
        })
      }).pipe(
        Effect.mapError(lost(id)),
        Effect.onError(() => Effect.ignore(remove(id)))
      )

    const read = (id: string, part: number) =>
      Effect.map(
        persist(
          sql<{ bytes: Uint8Array }>`SELECT bytes FROM effect_futures_results WHERE id = ${id} AND part = ${part}`
        ),
        ([row]) => row?.bytes
      )

    return ResultStore.of({
      write: (pieces) => Effect.suspend(() => write(randomUUID(), pieces)),
      read: (reference) =>
        Stream.iterate(0, (part) => part + 1).pipe(
          Stream.mapEffect((part) => read(reference.id, part)),
          Stream.takeWhile((piece) => piece !== undefined),
          Stream.mapError(lost(reference.id)),
          checked(store, reference)
        ),
      remove: ({ id }) => Effect.ignore(remove(id)),
      removeOlder: (age, except = []) => {
        const seconds = Duration.toSeconds(age)
        // Postgres has no interval without end.
        if (seconds === Infinity) return Effect.void
        return sql`DELETE FROM effect_futures_results
          WHERE created_at < now() - make_interval(secs => ${seconds})
            AND id NOT IN (SELECT json_array_elements_text(${JSON.stringify(except)}::json))`.pipe(
          Effect.mapError(lost("of that age"))
        )
      }
    })
  })
)

/** As the cluster does, where it has not yet. */
const makeTables = Effect.fnUntraced(function*(sql: SqlClient) {
  const [table] = yield* persist(sql`SELECT FROM pg_class WHERE oid = to_regclass('effect_futures_results')`)
  if (table !== undefined) return
  // Who has no database loads nothing of this.
  const { makeTables } = yield* Effect.promise(() => import("./internal/cluster/tables.ts"))
  yield* Effect.orDie(persist(makeTables))
})

/** Writes in pieces of at most {@link pieceBytes} and tells what they add up to. */
const hashed = Effect.fnUntraced(function*<E>(
  { id, store }: { readonly store: string; readonly id: string },
  pieces: Iterable<Uint8Array>,
  write: (piece: Uint8Array) => Effect.Effect<unknown, E>
) {
  let hash = 0
  let bytes = 0
  for (const piece of inParts(pieces)) {
    hash = crc32(piece, hash)
    bytes += piece.length
    yield* write(piece)
  }
  return { store, id, bytes, hash } satisfies Reference
})

/** Fails where what was read is not what was written, or is in another store. */
const checked =
  (store: string, reference: Reference) =>
  <R>(pieces: Stream.Stream<Uint8Array, StoreFailed, R>): Stream.Stream<Uint8Array, StoreFailed, R> =>
    Stream.suspend(() => {
      const { bytes, hash, id } = reference
      if (reference.store !== store || !isId(id)) {
        const reason =
          `it is in ${reference.store} and this program reads ${store}: expected the same store on all sides`
        return Stream.fail(new StoreFailed({ id, reason }))
      }
      let sum = 0
      let length = 0
      const check = Effect.suspend(() =>
        length === bytes && sum === hash
          ? Effect.void
          : Effect.fail(
            new StoreFailed({ id, reason: `expected ${bytes} bytes with hash ${hash}, and read ${length} others` })
          )
      )
      return pieces.pipe(
        Stream.tap((piece) =>
          Effect.sync(() => {
            sum = crc32(piece, sum)
            length += piece.length
          })
        ),
        Stream.concat(Stream.fromEffectDrain(check))
      )
    })

/** An id is no path. */
const isId = (id: string) => /^[0-9a-f-]{36}$/.test(id)

const lost = (id: string) => (cause: unknown) => new StoreFailed({ id, reason: reasonOf(cause) })
