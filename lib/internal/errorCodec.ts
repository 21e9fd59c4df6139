/**
 * Errors across a thread. The structured clone of an Error loses its tag, its fields and its class; this keeps all but
 * the class. Loads nothing of Effect.
 */
import type { Thrown } from "./protocol.ts"

const marker = "~effect-futures/Error"

interface EncodedError extends Thrown {
  readonly [marker]: true
  readonly fields: Record<string, unknown>
}

const isEncoded = (u: unknown): u is EncodedError => typeof u === "object" && u !== null && marker in u

/** A typed failure, fit to be cloned: an Error becomes its name, message, stack and own fields. */
export const encodeError = (error: unknown): unknown => encode(error, new Set())

/** Leaves out a cause that has been, for causes can go in circles. */
const encode = (error: unknown, seen: Set<unknown>): unknown => {
  if (!(error instanceof Error)) return error
  seen.add(error)
  const { cause, ...fields } = { ...error, cause: error.cause }
  return {
    [marker]: true,
    ...describe(error),
    fields: { ...fields, ...(cause === undefined || seen.has(cause) ? {} : { cause: encode(cause, seen) }) }
  }
}

/** The other half of {@link encodeError}. */
export const decodeError = (encoded: unknown): unknown => {
  if (!isEncoded(encoded)) return encoded
  const { fields, message, name, stack } = encoded
  const error = new Error(message)
  Object.defineProperties(error, { name: hidden(name), stack: hidden(stack) })
  if ("cause" in fields) Object.defineProperty(error, "cause", hidden(decodeError(fields["cause"])))
  const { cause: _, ...own } = fields
  return Object.assign(error, own)
}

const hidden = (value: unknown) => ({ value, writable: true, configurable: true, enumerable: false })

/** Anything that can be thrown, as strings; never throws itself. */
export const describe = (thrown: unknown): Thrown => {
  try {
    if (thrown instanceof Error) {
      const { message, name } = thrown
      return { name: String(name), message: String(message), stack: stackWithCauses(thrown) }
    }
    const name = thrown === null ? "null" : typeof thrown
    const json = typeof thrown === "object" && thrown !== null ? JSON.stringify(thrown) : undefined
    const message = json ?? String(thrown)
    return { name, message, stack: `${name}: ${message}` }
  } catch {
    return { name: typeof thrown, message: "a value that cannot be shown", stack: "" }
  }
}

const stackWithCauses = (error: Error): string => {
  const parts: Array<string> = []
  const seen = new Set<unknown>()
  for (let at: unknown = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at)
    parts.push(String(at.stack ?? `${at.name}: ${at.message}`))
  }
  return parts.join("\nCaused by: ")
}
