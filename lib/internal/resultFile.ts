/** The bytes of a result file, which can be anything, as a record. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { constants } from "node:buffer"
import * as RunRecord from "../RunRecord.ts"

/** What one string can hold, which is what can be parsed. */
export const maxSize = ByteSize.bytes(constants.MAX_STRING_LENGTH)

const newestVersion = 1

/** White space, and the mark that some editors begin a file with. */
const before = new Set(Buffer.from(" \t\r\n\uFEFF"))
const openingBrace = "{".charCodeAt(0)

/** Fails for what is no JSON object, or belongs to a version that is not known yet. */
export const parse = Effect.fnUntraced(function*(
  bytes: Uint8Array
): Effect.fn.Return<object, { readonly message: string }> {
  if (bytes.find((byte) => !before.has(byte)) !== openingBrace) {
    return yield* Effect.fail({ message: "expected a JSON object" })
  }
  const text = yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => ({ message: "expected UTF-8" })
  })
  const json = yield* Effect.try({
    try: (): object => JSON.parse(text),
    catch: (error) => ({ message: (error as Error).message })
  })
  const message = newerVersion(json)
  return message === undefined ? json : yield* Effect.fail({ message })
})

/** What to say of JSON that belongs to a version that is not known yet. */
export const newerVersion = (json: unknown): string | undefined =>
  Predicate.hasProperty(json, "version") && typeof json.version === "number" && json.version > newestVersion
    ? `expected at most version ${newestVersion}, got ${json.version}: ` +
      "it was written by a newer effect-futures, which can read it"
    : undefined

const decodeRun = Schema.decodeUnknownEffect(RunRecord.RunRecord)
const decodeComparison = Schema.decodeUnknownEffect(RunRecord.ComparisonRecord)
const decodeBench = Schema.decodeUnknownEffect(RunRecord.BenchRecord)

/** Fails with what is wrong about the kind of record that it looks like. */
export const decode = (json: object): Effect.Effect<RunRecord.ResultFile, { readonly message: string }> =>
  "runs" in json ? decodeComparison(json) : "cases" in json ? decodeBench(json) : decodeRun(json)
