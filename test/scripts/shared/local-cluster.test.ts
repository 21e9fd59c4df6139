import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { linkSync, mkdirSync, statSync } from "node:fs"
import path from "node:path"
import * as local from "../../../scripts/shared/local-cluster.ts"
import * as script from "./script.ts"

const url = "postgres://127.0.0.1/db"

const where = (data: string, databaseUrl?: string, results?: string) => ({
  data,
  databaseUrl: Option.fromUndefinedOr(databaseUrl),
  results: Option.fromUndefinedOr(results)
})

describe("the cluster of this machine", () => {
  it.live("is the one that is up, unless flags say otherwise", () =>
    Effect.gen(function*() {
      const data = yield* script.folder
      const cluster = { databaseUrl: url, resultFolder: "/results", ownsDatabase: true, runners: [1] }
      local.write(data, cluster)
      assert.deepStrictEqual(yield* local.find(where(data)), { databaseUrl: url, resultFolder: "/results" })
      assert.deepStrictEqual(yield* local.find(where(data, undefined, "here")), {
        databaseUrl: url,
        resultFolder: path.resolve("here")
      })
      assert.deepStrictEqual(yield* local.find(where(data, "postgres://other")), { databaseUrl: "postgres://other" })
      assert.deepStrictEqual(yield* local.find(where(data, "postgres://other", "here")), {
        databaseUrl: "postgres://other",
        resultFolder: path.resolve("here")
      })
      const { resultFolder: _, ...inDatabase } = cluster
      local.write(data, inDatabase)
      assert.deepStrictEqual(yield* local.find(where(data)), { databaseUrl: url })
    }))

  it.live("is none before its database is there, and after it has gone", () =>
    Effect.gen(function*() {
      const data = yield* script.folder
      const starting = { ownsDatabase: true, runners: [] }
      yield* local.claim(data, starting)
      assert.deepStrictEqual(yield* local.read(data), Option.some(starting))
      const { message } = yield* Effect.flip(local.find(where(data)))
      assert.match(message, /^No cluster is up on this machine/)
      assert.include(message, ` --detach --data ${data}, or `, "what it advises is where it looks")
      local.remove(data)
      local.remove(data)
      assert.deepStrictEqual(yield* local.read(data), Option.none())
    }))

  it.live("is told of whole to who reads while it is written", () =>
    Effect.gen(function*() {
      const data = yield* script.folder
      const [file, read] = [path.join(data, "cluster.json"), path.join(data, "being read")]
      const cluster = { databaseUrl: url, ownsDatabase: true, runners: [1] }
      local.write(data, cluster)
      linkSync(file, read)
      const before = yield* script.read(read)
      local.write(data, { ...cluster, runners: [] })
      assert.strictEqual(yield* script.read(read), before)
      assert.notStrictEqual(yield* script.read(file), before)
    }))

  it.live("is not known where its file cannot be read, which is said with what to do", () =>
    Effect.gen(function*() {
      const data = yield* script.folder
      const [torn, odd] = [path.join(data, "torn"), path.join(data, "odd")]
      mkdirSync(torn)
      yield* script.write(path.join(torn, "cluster.json"), `{"databaseUrl":"postgr`)
      mkdirSync(path.join(odd, "cluster.json"), { recursive: true })
      for (const folder of [torn, odd]) {
        const { message } = yield* Effect.flip(local.read(folder))
        assert.match(message, /cluster\.json does not say which cluster is up: .*; if there is none, remove the file$/s)
      }
    }))

  it.live("takes a folder that no other has, and tells its password to nobody else", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [data, file] = [path.join(folder, "new", "cluster"), path.join(folder, "file")]
      const cluster = { databaseUrl: url, ownsDatabase: true, runners: [] }
      const modeOf = () => statSync(path.join(data, "cluster.json")).mode & 0o777
      yield* local.claim(data, cluster)
      assert.strictEqual(modeOf(), 0o600)
      local.write(data, { ...cluster, runners: [1] })
      assert.strictEqual(modeOf(), 0o600)
      assert.deepStrictEqual(yield* script.filesIn(data), ["cluster.json"])
      assert.match((yield* Effect.flip(local.claim(data, cluster))).message, /^A cluster is up in .*: stop it by/)
      yield* script.write(file, "")
      assert.match((yield* Effect.flip(local.claim(file, cluster))).message, /^No cluster can be in .*: /)
    }))
})
