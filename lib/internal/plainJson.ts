/**
 * Plain data as JSON, where `JSON.parse` makes of that what `structuredClone` makes of the value. It takes less time than a
 * clone for what consists of objects, and more for long texts and arrays of numbers. Loads nothing of Effect.
 */
import { isProxy } from "node:util/types"

/** Kept, for a job may put others in their place. */
const { parse, stringify } = JSON
export { parse }

/** How many characters a small value may have, where each part of it counts for some more. */
const mostCharacters = 2048
const perPart = 8

/** What has fewer parts is cloned as quickly; the text of what has more would take much memory beside. */
const fewParts = 100
const mostParts = 1_000_000

const deepest = 100

/** To see that an object has so many properties takes long; the next values are not looked at. */
const many = 1000
let skips = 0

/** `value` as JSON, if it is plain and small. */
export const smallJson = (value: unknown): string | undefined =>
  look(value, ({ characters, parts }) => characters + perPart * parts <= mostCharacters) && textOf(value)

/** `value` as JSON, if it is plain and so large that this is quicker. */
export const largeJson = (value: unknown): string | undefined => {
  const found = look(value, (found) => found.parts < fewParts || found.parts <= mostParts && isQuicker(found))
  return found !== undefined && found.parts >= fewParts ? textOf(value) : undefined
}

/** What there is in a value. */
interface Found {
  /** Itself, items and properties. */
  parts: number
  /** Those that are no arrays. */
  objects: number
  fractions: number
  /** Of texts. */
  characters: number
}

/** Measured: JSON saves time by objects, loses some by each fraction, and by longer texts. */
const isQuicker = ({ characters, fractions, objects, parts }: Found): boolean =>
  10 * objects >= parts && 4 * fractions <= parts && characters <= 16 * parts

/** What there is in a plain value, as long as it `mayGoOn` with what it has found. */
const look = (value: unknown, mayGoOn: (found: Found) => boolean): Found | undefined => {
  if (skips > 0) return void skips--
  const seen = new Set<object>()
  const found = { parts: 0, objects: 0, fractions: 0, characters: 0 }
  const isPlain = (part: unknown, depth: number): boolean => {
    found.parts++
    switch (typeof part) {
      case "string":
        found.characters += part.length
        return true
      case "boolean":
        return true
      case "number":
        if (!Number.isInteger(part)) found.fractions++
        return Number.isFinite(part) && !Object.is(part, -0)
      case "object":
        return part === null || isPlainObject(part, depth + 1)
      default:
        return false
    }
  }
  const isPlainObject = (object: object, depth: number): boolean => {
    // One that is there twice would become two.
    if (depth > deepest || isProxy(object) || seen.size === seen.add(object).size) return false
    const prototype: unknown = Object.getPrototypeOf(object)
    if (Array.isArray(object)) return prototype === Array.prototype && isPlainArray(object, depth)
    found.objects++
    if (prototype !== Object.prototype && prototype !== null || !mayGoOn(found)) return false
    let properties = 0
    for (const key in object) {
      if (++properties > many) skips = many
      if (properties > many || !isPlain(object[key as keyof typeof object], depth)) return false
    }
    return true
  }
  const isPlainArray = (array: ReadonlyArray<unknown>, depth: number): boolean => {
    for (let n = 0; n < array.length; n++) {
      if (n % fewParts === 0 && !mayGoOn(found) || !isPlain(array[n], depth)) return false
    }
    // Otherwise it has others beside its items.
    return Object.values(array).length === array.length
  }
  try {
    return isPlain(value, 0) && mayGoOn(found) && !("toJSON" in Array.prototype) ? found : undefined
  } catch {
    return undefined
  }
}

/** Where a getter throws, or the text would be too long, a clone is tried, and fails with the reason. */
const textOf = (value: unknown): string | undefined => {
  try {
    return stringify(value)
  } catch {
    return undefined
  }
}
