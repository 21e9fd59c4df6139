import { assert, describe, it, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Stream } from "effect"
import fs from "node:fs"
import path from "node:path"
import { ResultStore } from "../lib/mod.ts"
import { makeNotes } from "./shared/backEnds.ts"
import { connection, Database } from "./shared/cluster.ts"

const pieces = 1.5
const bytes = Uint8Array.from({ length: pieces * ResultStore.pieceBytes }, (_, n) => n % 251)

/** A store in a folder that is gone afterwards. */
const withStore = <A, E>(
  use: (store: ResultStore.ResultStore["Service"], folder: string) => Effect.Effect<A, E>
) =>
  Effect.flatMap(
    makeNotes,
    (folder) =>
      ResultStore.ResultStore.use((store) => use(store, folder)).pipe(Effect.provide(ResultStore.layerFolder(folder)))
  )

const readAll = (store: ResultStore.ResultStore["Service"], reference: ResultStore.Reference) =>
  Stream.runFold(store.read(reference), () => Buffer.alloc(0), (all, piece) => Buffer.concat([all, piece]))

describe("ResultStore.layerFolder", () => {
  it.live("reads in pieces what was written in others, until it is removed", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        const reference = yield* store.write([bytes.subarray(0, 7), bytes.subarray(7)])
        assert.strictEqual(reference.bytes, bytes.length)
        assert.isTrue((yield* readAll(store, reference)).equals(bytes))
        const sizes = yield* Stream.runCollect(Stream.map(store.read(reference), (piece) => piece.length))
        assert.isTrue(sizes.every((size) => size <= ResultStore.pieceBytes))
        yield* store.remove(reference)
        assert.deepStrictEqual(fs.readdirSync(folder), [])
        assert.match((yield* Effect.flip(readAll(store, reference))).message, /cannot be stored or read: ENOENT/)
      })
    ))

  it.live("fails where a byte has changed, or is missing", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        const reference = yield* store.write([bytes])
        const file = path.join(folder, reference.id)
        const changed = Uint8Array.from(bytes)
        changed[bytes.length - 1]! ^= 1
        for (const others of [changed, bytes.subarray(0, -1)]) {
          fs.writeFileSync(file, others)
          const error = yield* Effect.flip(readAll(store, reference))
          assert.include(error.message, `expected ${bytes.length} bytes with hash ${reference.hash}`)
        }
        fs.writeFileSync(file, bytes)
        const error = yield* Effect.flip(readAll(store, { ...reference, bytes: bytes.length - 1 }))
        assert.include(error.message, `and read ${bytes.length} others`)
      })
    ))

  it.live("is the same store by each of its folder's names, and gives its threads places there", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        const reference = yield* store.write([bytes])
        yield* ResultStore.ResultStore.use((other) =>
          Effect.gen(function*() {
            assert.isTrue((yield* readAll(other, reference)).equals(bytes))
            const { file, id } = other.reserve!()
            assert.strictEqual(file, path.join(folder, id))
            assert.notStrictEqual(other.reserve!().id, id)
          })
        ).pipe(Effect.provide(ResultStore.layerFolder(path.relative("", folder))))
      })
    ))

  it.live("makes its folder when it is needed", () =>
    Effect.gen(function*() {
      const folder = path.join(yield* makeNotes, "of many", "results")
      yield* ResultStore.ResultStore.use((store) =>
        Effect.gen(function*() {
          yield* store.removeOlder(0)
          assert.isFalse(fs.existsSync(folder))
          assert.isTrue((yield* readAll(store, yield* store.write([bytes]))).equals(bytes))
        })
      ).pipe(Effect.provide(ResultStore.layerFolder(folder)))
    }))

  it.live.skipIf(process.platform !== "linux")(
    "leaves no file open",
    () =>
      withStore((store, folder) =>
        Effect.gen(function*() {
          const open = Effect.sync(() =>
            fs.readdirSync("/proc/self/fd").filter((fd) => {
              // That of the folder itself is gone.
              try {
                return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(fs.realpathSync(folder))
              } catch {
                return false
              }
            })
          )
          const reference = yield* store.write([bytes])
          assert.deepStrictEqual(yield* open, [])
          yield* Stream.runForEach(store.read(reference), () => Effect.map(open, (files) => assert.lengthOf(files, 1)))
          yield* Stream.runHead(store.read(reference))
          assert.deepStrictEqual(yield* open, [])
        })
      )
  )

  it.live("reads and removes nothing outside of its folder, whatever a reference says", () =>
    Effect.gen(function*() {
      const around = yield* makeNotes
      yield* ResultStore.ResultStore.use((store) =>
        Effect.gen(function*() {
          const reference = yield* store.write([bytes])
          const file = path.join(around, "same")
          fs.writeFileSync(file, bytes)
          const outside = { ...reference, id: "../same" }
          assert.propertyVal(yield* Effect.flip(readAll(store, outside)), "_tag", "StoreFailed")
          yield* store.remove(outside)
          assert.isTrue(fs.existsSync(file))
        })
      ).pipe(Effect.provide(ResultStore.layerFolder(path.join(around, "results"))))
    }))

  it.live("removes of what is old neither what is to be kept, nor a file that is not its own", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        const [kept] = yield* Effect.forEach([1, 2], () => store.write([bytes]))
        const file = path.join(folder, "notes.txt")
        fs.writeFileSync(file, "")
        yield* Effect.sleep("5 millis")
        yield* store.removeOlder(0, [kept!.id])
        assert.deepStrictEqual(fs.readdirSync(folder).toSorted(), [kept!.id, "notes.txt"])
      })
    ))

  it.live("leaves nothing where what it wrote is given back when it is interrupted", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        for (let ms = 1; ms <= 10; ms++) {
          const lent = new Uint8Array(50 * ResultStore.pieceBytes)
          const giveBack = Effect.sync(() => lent.buffer.transfer(0))
          yield* Effect.timeoutOption(Effect.ensuring(store.write([lent]), giveBack), ms)
        }
        yield* Effect.sleep("50 millis")
        assert.deepStrictEqual(fs.readdirSync(folder), [])
      })
    ))

  it.live("leaves nothing of what was interrupted while it was written, and removes what is old", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        const endless = function*() {
          for (;;) yield bytes
        }
        yield* Effect.timeoutOption(store.write(endless()), "50 millis")
        assert.deepStrictEqual(fs.readdirSync(folder), [])
        yield* store.write([bytes])
        yield* store.removeOlder("1 hour")
        assert.lengthOf(fs.readdirSync(folder), 1)
        yield* Effect.sleep("5 millis")
        yield* store.removeOlder(0)
        assert.deepStrictEqual(fs.readdirSync(folder), [])
      })
    ))

  it.live("removes what is old also where another is gone before it was looked at", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        const [first] = yield* Effect.forEach([1, 2, 3], () => store.write([bytes]))
        // A link to nowhere is listed, and is not there.
        const gone = path.join(folder, first!.id)
        fs.rmSync(gone)
        fs.symlinkSync("nowhere", gone)
        yield* Effect.sleep("5 millis")
        yield* store.removeOlder(0)
        assert.deepStrictEqual(fs.readdirSync(folder), [first!.id])
      })
    ))

  it.live("removes what is old also where some of it cannot be, and then says why", () =>
    withStore((store, folder) =>
      Effect.gen(function*() {
        const written = yield* Effect.forEach(Array.from({ length: 20 }), () => store.write([bytes.subarray(0, 9)]))
        // Those of another user cannot be removed, nor can a folder as if it were a file.
        const others = written.slice(10).map(({ id }) => id)
        for (const id of others) {
          fs.rmSync(path.join(folder, id))
          fs.mkdirSync(path.join(folder, id))
        }
        yield* Effect.sleep("5 millis")
        assert.include((yield* Effect.flip(store.removeOlder(0))).message, "EISDIR")
        assert.deepStrictEqual(fs.readdirSync(folder).toSorted(), others.toSorted())
      })
    ))
})

const layerPostgres = Layer.provide(ResultStore.layerPostgres, connection)

layer(Database.layer, { excludeTestServices: true })("ResultStore.layerPostgres", (it) => {
  it.effect("makes its tables where there are none, and keeps in them what it is given", () =>
    ResultStore.ResultStore.use((store) =>
      Effect.gen(function*() {
        const reference = yield* store.write([bytes])
        yield* store.removeOlder(Duration.infinity)
        assert.isTrue((yield* readAll(store, reference)).equals(bytes))
        yield* store.remove(reference)
        const error = yield* Effect.flip(readAll(store, reference))
        assert.include(error.message, `expected ${bytes.length} bytes`)
      })
    ).pipe(Effect.provide(layerPostgres)))

  it.effect("removes what is old, but for what is to be kept", () =>
    ResultStore.ResultStore.use((store) =>
      Effect.gen(function*() {
        const [kept, other] = yield* Effect.forEach([1, 2], () => store.write([bytes]))
        yield* store.removeOlder("1 hour")
        assert.isTrue((yield* readAll(store, other!)).equals(bytes))
        yield* store.removeOlder(0, [kept!.id])
        assert.propertyVal(yield* Effect.flip(readAll(store, other!)), "_tag", "StoreFailed")
        assert.isTrue((yield* readAll(store, kept!)).equals(bytes))
      })
    ).pipe(Effect.provide(layerPostgres)))

  it.effect("says what the database said", () =>
    ResultStore.ResultStore.use((store) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(store.removeOlder("100000000 days"))
        assert.include(error.message, "timestamp out of range")
      })
    ).pipe(Effect.provide(layerPostgres)))
})
