/** The cluster that `scripts/cluster.ts up` started on this machine. */
import { Effect, Option, Schema } from "effect"
import fs from "node:fs"
import path from "node:path"
import { UsageError } from "./main.ts"
import { resultFolder } from "./place.ts"
import { makeFolder, placeFor } from "./postgres.ts"
import { quoted } from "./words.ts"

/** What is known of it, for as long as it is up. */
export const LocalCluster = Schema.Struct({
  /** None while its own database starts. */
  databaseUrl: Schema.optional(Schema.String),
  /** None where large results are in the database. */
  resultFolder: Schema.optional(Schema.String),
  /** Whether its database is its own. */
  ownsDatabase: Schema.Boolean,
  runners: Schema.Array(Schema.Int)
})
export type LocalCluster = typeof LocalCluster.Type

/** Where a cluster keeps its data if nobody says. */
export const defaultFolder = placeFor(path.join(resultFolder, "cluster"))

/** The flag that says which folder, where it has to be said, for a command line to be copied. */
export const dataFlag = (folder: string): string => folder === defaultFolder ? "" : ` --data ${quoted(folder)}`

const fileOf = (folder: string) => path.join(folder, "cluster.json")

const encode = (cluster: LocalCluster) => `${JSON.stringify(cluster, null, 2)}\n`

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(LocalCluster))

/** The cluster of a folder, if there is one. */
export const read = Effect.fnUntraced(function*(folder: string) {
  const file = fileOf(folder)
  if (!fs.existsSync(file)) return Option.none<LocalCluster>()
  return yield* Effect.try({
    try: () => fs.readFileSync(file, "utf8"),
    catch: (error) => ({ message: (error as Error).message })
  }).pipe(
    Effect.flatMap(decode),
    Effect.asSome,
    Effect.mapError(({ message }) =>
      new UsageError(`${file} does not say which cluster is up: ${message}; if there is none, remove the file`)
    )
  )
})

/** Takes the folder for a cluster that starts, unless another has it. */
export const claim = (folder: string, cluster: LocalCluster) =>
  Effect.try({
    try: () => {
      makeFolder(folder)
      fs.writeFileSync(fileOf(folder), encode(cluster), { mode: 0o600, flag: "wx" })
    },
    catch: (error) => {
      const { code, message, syscall } = error as NodeJS.ErrnoException
      // A file in place of the folder exists as well.
      return new UsageError(
        code === "EEXIST" && syscall === "open"
          ? `A cluster is up in ${folder}: stop it by scripts/cluster.ts down first`
          : `No cluster can be in ${folder}: ${message}`
      )
    }
  })

/** Whole or not at all: others read it meanwhile. */
export const write = (folder: string, cluster: LocalCluster): void => {
  const partial = `${fileOf(folder)}.partial`
  fs.writeFileSync(partial, encode(cluster), { mode: 0o600 })
  fs.renameSync(partial, fileOf(folder))
}

export const remove = (folder: string): void => fs.rmSync(fileOf(folder), { force: true })

/** The flags that say which cluster. */
export interface Where {
  readonly databaseUrl: Option.Option<string>
  readonly data: string
  readonly results: Option.Option<string>
}

/** What `--database-url` and `--results` say, or else the cluster that is up on this machine. */
export const find = Effect.fnUntraced(function*({ data, databaseUrl, results }: Where) {
  const folder = Option.isSome(results) ? { resultFolder: path.resolve(results.value) } : {}
  if (Option.isSome(databaseUrl)) return { databaseUrl: databaseUrl.value, ...folder }
  const local = yield* read(data)
  const { databaseUrl: url, resultFolder } = Option.getOrElse(local, (): Partial<LocalCluster> => ({}))
  if (url !== undefined) {
    return { databaseUrl: url, ...(resultFolder !== undefined && { resultFolder }), ...folder }
  }
  return yield* Effect.fail(
    new UsageError(
      "No cluster is up on this machine: start one by npx tsx scripts/cluster.ts up --runners 3 --detach" +
        `${dataFlag(data)}, or name its --database-url`
    )
  )
})
