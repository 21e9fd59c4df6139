/** Messages on their way: in the row of their job where they are small, by reference where they are large. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as ResultStore from "../../ResultStore.ts"
import { describe } from "../errorCodec.ts"
import * as wire from "./wire.ts"

/** A message as it stands in a row. */
export interface Stored {
  readonly bytes: Uint8Array | undefined
  readonly reference: string | undefined
}

/** A larger message goes by reference. */
const maxInlineBytes = 1_000_000

const Reference = Schema.fromJsonString(ResultStore.Reference)
const encodeReference = Schema.encodeSync(Reference)
const decodeReference = Schema.decodeSync(Reference)

/** Fails where the message is too large, or cannot be written. */
export const store = Effect.fnUntraced(function*(message: { readonly pieces: () => ReadonlyArray<Uint8Array> }) {
  const pieces = yield* Effect.try({
    try: message.pieces,
    catch: (cause) => new wire.Unsendable({ message: describe(cause).message })
  })
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (bytes <= maxInlineBytes) return { bytes: Buffer.concat(pieces), reference: undefined }
  const results = yield* ResultStore.ResultStore
  const reference = yield* results.write(pieces)
  return { bytes: undefined, reference: encodeReference(reference) }
})

/** Reads a message, and fails where it is gone or not the one that was stored. */
export const load = Effect.fnUntraced(function*({ bytes, reference }: {
  readonly bytes: Uint8Array | null
  readonly reference: string | null
}) {
  const reader = new wire.Reader()
  if (reference === null) {
    if (bytes === null) {
      return yield* new ResultStore.StoreFailed({ id: "", reason: "it was read before, or is too old" })
    }
    reader.push(bytes)
  } else {
    const results = yield* ResultStore.ResultStore
    yield* Stream.runForEach(
      results.read(decodeReference(reference)),
      (piece) => Effect.sync(() => reader.push(piece))
    )
  }
  return reader.end()
})

/** Removes a message that went by reference. */
export const discard = (reference: string | null | undefined) =>
  typeof reference === "string"
    ? ResultStore.ResultStore.use((results) => results.remove(decodeReference(reference)))
    : Effect.void
