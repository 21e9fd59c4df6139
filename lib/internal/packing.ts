/**
 * Values on their way between processes. Node's own messages would bring a URL or a Blob as an empty object, all arrays
 * of a message as views of one buffer, and end the program that receives what cannot be read. Loads nothing of Effect.
 */
import { Deserializer, Serializer } from "node:v8"
import { objectsIn } from "./buffers.ts"
import { describe } from "./errorCodec.ts"
import type { FromWorker, Outcome, ToWorker } from "./protocol.ts"

/**
 * A message as it is sent. Throws, saying why, for an input that the structured clone algorithm cannot copy to another
 * process; such a result becomes the outcome that says so.
 */
export const packed = <Message extends ToWorker | FromWorker>(message: Message): Message => withValues(message, pack)

/** The other half of {@link packed}; deals in the same way with what cannot be read. */
export const unpacked = <Message extends ToWorker | FromWorker>(message: Message): Message =>
  withValues(message, unpack)

type Change = (value: unknown) => unknown

const withValues = <Message extends ToWorker | FromWorker>(message: Message, change: Change): Message => {
  switch (message._tag) {
    case "Run":
      return { ...message, inputs: message.inputs.map(change) }
    case "Settled":
      return { ...message, outcomes: message.outcomes.map((outcome) => withValue(outcome, change)) }
    default:
      return message
  }
}

const withValue = (outcome: Outcome, change: Change): Outcome => {
  try {
    switch (outcome._tag) {
      case "Succeeded":
        return { _tag: "Succeeded", value: change(outcome.value) }
      case "Failed":
        return { _tag: "Failed", error: change(outcome.error) }
      default:
        return outcome
    }
  } catch (cause) {
    return { _tag: "NotCloned", side: "result", reason: describe(cause).message }
  }
}

/** Few enough that they cannot be nested too deep to be read. */
const fewObjects = 100

/** Primitives and a few plain objects are sent as they are. */
const pack = (value: unknown): unknown => {
  const objects = [...objectsIn(value)]
  if (objects.length <= fewObjects && objects.every(isPlain)) return value
  objects.forEach(assertKept)
  return serialize(value)
}

const isPlain = (object: object) => [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(object))

const unpack = (packed: unknown): unknown => packed instanceof Uint8Array ? deserialize(packed) : packed

const serialize = (value: unknown): Uint8Array => {
  const serializer = new Serializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

const deserialize = (bytes: Uint8Array): unknown => {
  const deserializer = new Deserializer(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}

const kept = new WeakSet<object>()

/** The serializer takes objects of Node's own classes for plain ones. */
const assertKept = (object: object): void => {
  const prototype: object | null = Object.getPrototypeOf(object)
  if (prototype === null || kept.has(prototype)) return
  const [cloned, packed] = [structuredClone(object), deserialize(serialize(object))].map(Object.getPrototypeOf)
  if (cloned !== packed) throw new TypeError(`${cloned.constructor.name} cannot be sent to another process`)
  kept.add(prototype)
}
