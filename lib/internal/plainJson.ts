/** Small plain values as JSON, which needs no message and less time than a structured clone. Loads nothing of Effect. */
import { isProxy } from "node:util/types"

/** How many characters a value may have, where each part of it counts for some more. */
const mostCharacters = 2048

const perPart = 8

/** To see that an object has so many properties takes long; the next values are not looked at. */
const many = 1000
let skips = 0

/** `value` as JSON, if it is small and `JSON.parse` makes of that what `structuredClone` makes of the value. */
export const plainJson = (value: unknown): string | undefined => {
  if (skips > 0) return void skips--
  const seen: Array<object> = []
  let left = mostCharacters
  const isKept = (part: unknown): boolean => {
    left -= typeof part === "string" ? perPart + part.length : perPart
    if (left < 0) return false
    switch (typeof part) {
      case "string":
      case "boolean":
        return true
      case "number":
        return Number.isFinite(part) && !Object.is(part, -0)
      case "object":
        return part === null || isKeptObject(part)
      default:
        return false
    }
  }
  const isKeptObject = (object: object): boolean => {
    // One that is there twice would become two.
    if (isProxy(object) || seen.includes(object)) return false
    seen.push(object)
    const prototype: unknown = Object.getPrototypeOf(object)
    if (Array.isArray(object)) return prototype === Array.prototype && areItemsKept(object)
    return (prototype === Object.prototype || prototype === null) && arePropertiesKept(object)
  }
  const areItemsKept = (array: ReadonlyArray<unknown>): boolean => {
    if (array.length * perPart > left || array.includes(undefined)) return false
    const values = Object.values(array)
    // Otherwise it has others beside its items.
    return values.length === array.length && values.every(isKept)
  }
  const arePropertiesKept = (object: object): boolean => {
    const values = Object.values(object)
    if (values.length > many) skips = many
    return values.length * perPart <= left && values.every(isKept)
  }
  try {
    return isKept(value) && !("toJSON" in Array.prototype) ? JSON.stringify(value) : undefined
  } catch {
    // A getter throws, of which the message will tell.
    return undefined
  }
}
