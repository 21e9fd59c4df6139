import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import net from "node:net"
import os from "node:os"
import path from "node:path"
import * as postgres from "../../../scripts/shared/postgres.ts"
import { commandOf } from "../../../scripts/shared/processes.ts"
import * as script from "./script.ts"

const canConnect = (port: number, address: string) =>
  Effect.callback<boolean>((resume) => {
    const socket = net.connect(port, address, () => resume(Effect.succeed(true)))
    socket.on("error", () => resume(Effect.succeed(false))).once("connect", () => socket.destroy())
  })

describe("a Postgres of one's own", () => {
  it.live(
    "stays up when it is started again, is this machine's alone, and keeps its password and its place",
    () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        // The server may run as another user than this process.
        chmodSync(folder, 0o755)
        yield* Effect.addFinalizer(() => Effect.ignore(postgres.stop(folder)))
        const data = path.join(folder, "data")
        // As a set-up leaves it that was killed.
        mkdirSync(`${data}.partial`)
        writeFileSync(path.join(`${data}.partial`, "half"), "")
        const first = yield* postgres.start(folder, { isDurable: false })
        assert.isFalse(existsSync(`${data}.partial`))
        assert.strictEqual(statSync(path.join(folder, "password")).mode & 0o777, 0o600)
        assert.strictEqual(statSync(data).mode & 0o777, 0o700)

        const port = yield* postgres.freePort
        assert.deepStrictEqual(yield* postgres.start(folder, { port }), first)
        assert.isTrue(yield* canConnect(first.port, "127.0.0.1"))
        for (const each of Object.values(os.networkInterfaces()).flatMap((all) => all ?? [])) {
          if (!each.internal) assert.isFalse(yield* canConnect(first.port, each.address), each.address)
        }

        assert.isFalse(existsSync(`/tmp/.s.PGSQL.${first.port}`), "no socket that other users can reach")

        const server = Number(readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n")[0])
        yield* postgres.stop(folder)
        yield* postgres.stop(folder)
        // It gives up its folder a moment before it ends.
        yield* script.until(() => commandOf(server) === "")
        const moved = yield* postgres.start(folder, { port })
        assert.deepStrictEqual(moved, { ...first, port, url: first.url.replace(`:${first.port}/`, `:${port}/`) })
        // What was committed survives the end of the machine where nothing else is said.
        assert.include(readFileSync(path.join(data, "postmaster.opts"), "utf8"), "fsync=on")
      }),
    60_000
  )

  it.live(
    "starts in folders that it makes also where nobody else could enter those",
    () =>
      Effect.gen(function*() {
        const above = yield* script.folder
        chmodSync(above, 0o755)
        const folder = path.join(above, "made", "by it")
        const umask = process.umask(0o077)
        yield* Effect.addFinalizer(() => Effect.sync(() => process.umask(umask)))
        yield* Effect.addFinalizer(() => Effect.ignore(postgres.stop(folder)))
        const { port } = yield* postgres.start(folder, { isDurable: false })
        assert.isTrue(yield* canConnect(port, "127.0.0.1"))
      }),
    60_000
  )

  it.live("leaves alone what is in its place and was not made for it, and says so", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const data = path.join(folder, "data")
      mkdirSync(data)
      writeFileSync(path.join(data, "mine"), "")
      assert.strictEqual(
        (yield* Effect.flip(postgres.start(folder))).message,
        `Postgres could not be set up: ${data} is there and was not made for it: expected another --data`
      )
      assert.deepStrictEqual(yield* script.filesIn(data), ["mine"])
      assert.deepStrictEqual(yield* script.filesIn(folder), ["data"])
    }))

  it.live(
    "that does not start says why this time, in the server's own words where there are such",
    () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        chmodSync(folder, 0o755)
        const taken = yield* script.listen(() => {})
        const whyNot = Effect.map(Effect.flip(postgres.start(folder, { port: taken })), ({ message }) => message)
        assert.strictEqual(
          yield* whyNot,
          `Postgres could not be started: port ${taken} is taken: expected another --port, or none for a free one`
        )
        writeFileSync(path.join(folder, "data", "PG_VERSION"), "9\n")
        assert.strictEqual(
          yield* whyNot,
          "Postgres could not be started: database files are incompatible with server"
        )
      }),
    60_000
  )
})
