/**
 * Errors across a thread. The structured clone of an Error loses its tag, its fields and its class; this keeps all but
 * the class. Loads nothing of Effect.
 */
import { isNativeError } from "node:util/types"
import type { Thrown, Unread } from "./protocol.ts"

const marker = "~effect-futures/Error"

interface EncodedError extends Thrown {
  readonly [marker]: true
  readonly fields: Record<string, unknown>
}

const isEncoded = (object: object): object is EncodedError => marker in object

/** Also of another realm, as those of `node:vm` are. A proxy may not let itself be looked at. */
const isError = (u: unknown): u is Error => {
  try {
    return isNativeError(u) || u instanceof Error
  } catch {
    return false
  }
}

/** What an Error does not list of its own. */
const hiddenKeys = ["cause", "errors"]

/**
 * A typed failure, fit to be cloned: each Error in its arrays and plain objects becomes its name, message, stack and own
 * fields. Leaves out an Error within itself, as a cause can be.
 *
 * @throws what a getter throws.
 */
export const encodeError = (failure: unknown): unknown =>
  rebuild(failure, (object, encode) => {
    if (!isError(object)) return undefined
    const fields = {}
    for (const key of [...Object.keys(object), ...hiddenKeys]) {
      if (key in object) put(fields, key, encode(object[key as keyof Error]))
    }
    // Its causes are among its fields.
    return { [marker]: true, ...described(object, stackOf), fields }
  })

/** The other half of {@link encodeError}. */
export const decodeError = (encoded: unknown): unknown =>
  rebuild(encoded, (object, decode) => {
    if (!isEncoded(object)) return undefined
    const { fields, message, name, stack } = object
    const error = withoutFrames(() => new Error(message))
    for (const [key, value] of Object.entries({ name, stack })) put(error, key, value, false)
    for (const [key, value] of Object.entries(fields)) put(error, key, decode(value), !hiddenKeys.includes(key))
    return error
  })

/** A copy of the arrays and plain objects in `value`, with what `change` makes of objects in their place. */
const rebuild = (
  value: unknown,
  change: (object: object, rebuild: (value: unknown) => unknown) => object | undefined
): unknown => {
  const copies = new Map<object, object | undefined>()
  const copyOf = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value
    if (copies.has(value)) return copies.get(value)
    copies.set(value, undefined)
    const changed = change(value, copyOf)
    const copy = changed ?? emptyCopy(value)
    copies.set(value, copy ?? value)
    if (changed === undefined && copy !== undefined) {
      for (const [key, part] of Object.entries(value)) put(copy, key, copyOf(part))
    }
    return copy ?? value
  }
  return copyOf(value)
}

const emptyCopy = (object: object): object | undefined => {
  if (Array.isArray(object)) return Object.assign([], { length: object.length })
  const prototype = Object.getPrototypeOf(object) as unknown
  return prototype === Object.prototype || prototype === null ? {} : undefined
}

const put = (object: object, key: string, value: unknown, enumerable = true) =>
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true })

/**
 * An error that holds nothing but what it says. V8 keeps with each frame of an error what its function was called on, here
 * a task with its inputs and results, as long as there is the error.
 */
export const withoutFrames = <E>(make: () => E): E => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Anything that can be thrown, as strings; never throws itself. */
export const describe = (thrown: unknown): Thrown => {
  if (isError(thrown)) return described(thrown, stackWithCauses)
  const name = thrown === null ? "null" : typeof thrown
  const message = textOf(() => typeof thrown === "object" ? JSON.stringify(thrown) ?? thrown : thrown)
  return { name, message, stack: `${name}: ${message}` }
}

/** Why something failed, in a line or more: many an error has no message, and is known by its name. */
export const reasonFor = (thrown: unknown): string => {
  const { message, name } = describe(thrown)
  return message === "" ? name : message
}

/** The message that one could not be read; `cause` is what reading it threw. */
export const unread = (side: Unread["side"], cause: unknown) =>
  [1, { _tag: "Unread", side, reason: describe(cause).message } satisfies Unread] as const

const described = (error: Error, stackIn: (error: Error) => string): Thrown => ({
  name: textOf(() => error.name),
  message: textOf(() => error.message),
  stack: textOf(() => stackIn(error))
})

const textOf = (read: () => unknown): string => {
  try {
    return String(read())
  } catch {
    return "a value that cannot be shown"
  }
}

const stackWithCauses = (error: Error): string => {
  const parts: Array<string> = []
  // Goes on with what is added meanwhile.
  const causes = new Set<unknown>([error])
  for (const cause of causes) {
    parts.push(isError(cause) ? stackOf(cause) : describe(cause).stack)
    if (isError(cause)) causesOf(cause).forEach((its) => causes.add(its))
  }
  return parts.join("\nCaused by: ")
}

const causesOf = ({ cause, errors }: Error & { readonly errors?: unknown }): ReadonlyArray<unknown> =>
  [cause, ...(Array.isArray(errors) ? errors as ReadonlyArray<unknown> : [])].filter((its) => its !== undefined)

const stackOf = (error: Error): string => String(error.stack ?? `${error.name}: ${error.message}`)
