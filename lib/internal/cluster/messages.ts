/** Messages on their way: in the row of their job where they are small, by reference where they are large. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as ResultStore from "../../ResultStore.ts"
import { describe } from "../errorCodec.ts"
import { maxInlineBytes } from "./storing.ts"
import * as wire from "./wire.ts"

/** A message as it stands in a row. */
export interface Stored {
  readonly bytes: Uint8Array | undefined
  readonly reference: string | undefined
}

const Reference = Schema.fromJsonString(ResultStore.Reference)
const encodeReference = Schema.encodeSync(Reference)
const decodeReference = Schema.decodeSync(Reference)

/** Fails where the message is too large, or cannot be written. */
export const store = Effect.fnUntraced(function*(message: () => ReadonlyArray<Uint8Array>) {
  const pieces = yield* Effect.try({
    try: message,
    catch: (cause) => new wire.Unsendable(describe(cause).message)
  })
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (bytes <= maxInlineBytes) return inline(pieces)
  const results = yield* ResultStore.ResultStore
  const reference = yield* results.write(pieces)
  return { bytes: undefined, reference: encodeReference(reference) }
})

/** Its first values alone, where the others have been stored. */
export const inline = (pieces: ReadonlyArray<Uint8Array>, others?: ResultStore.Reference): Stored => ({
  bytes: Buffer.concat(pieces),
  reference: others && encodeReference(others)
})

/** Reads a message, into `spares` where they fit, and fails where it is gone or not the one that was stored. */
export const load = Effect.fnUntraced(function*({ bytes, reference, spares = [] }: {
  readonly bytes: Uint8Array | null
  readonly reference: string | null
  readonly spares?: ReadonlyArray<ArrayBuffer>
}) {
  if (bytes === null && reference === null) {
    return yield* new ResultStore.StoreFailed({ id: "", reason: "it was read before, or is too old" })
  }
  const parts: Array<wire.Message> = []
  if (bytes !== null) parts.push(wire.read(bytes))
  if (reference !== null) {
    const results = yield* ResultStore.ResultStore
    const reader = new wire.Reader(spares)
    yield* Stream.runForEach(
      results.read(decodeReference(reference)),
      (piece) => Effect.sync(() => reader.push(piece))
    )
    parts.push(reader.end())
  }
  return { values: parts.flatMap(({ values }) => values), buffers: parts.flatMap(({ buffers }) => buffers) }
})

/** Removes a message that went by reference. */
export const discard = (reference: string | null | undefined) =>
  typeof reference === "string"
    ? ResultStore.ResultStore.use((results) => results.remove(decodeReference(reference)))
    : Effect.void
