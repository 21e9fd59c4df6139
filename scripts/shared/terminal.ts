/** What is printed, as the terminal can show it. */
import { Console } from "effect"
import isUnicodeSupported from "is-unicode-supported"

/** The columns of the window, and 80 where there is none. */
export const columns = (): number => process.stdout.columns || 80

/** Whether it is a terminal that can be drawn on. */
export const canDraw = ({ isTTY }: { readonly isTTY?: boolean }) => isTTY === true && process.env["TERM"] !== "dumb"

/** Whether the terminal shows more than ASCII: no where its locale names another encoding, yes where it names none. */
export const hasUnicode = () => {
  const { LANG, LC_ALL, LC_CTYPE } = process.env
  const locale = LC_ALL || LC_CTYPE || LANG || ""
  return isUnicodeSupported() && (locale === "" || /utf-?8/i.test(locale))
}

/**
 * Text from a file or its name, with nothing in it that a terminal would obey or hide: control and format characters
 * are shown by their numbers, line breaks as well.
 */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)

/** The same lines, in plain ASCII where there is no more. */
export const asShown = (text: string): string => hasUnicode() ? text : ascii(text)

export const print = (text: string) => Console.log(asShown(text))

/** Prints a value as JSON, which a terminal can be shown as well. */
export const printJson = (value: unknown) =>
  Console.log(JSON.stringify(value, null, 2).replace(/[\u{7F}-\u{9F}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped))

/** As in JSON. */
const escaped = (text: string) =>
  Array.from({ length: text.length }, (_, n) => `\\u${text.charCodeAt(n).toString(16).padStart(4, "0")}`).join("")

/** Lines, bars and signs become their nearest; other letters are told by their numbers. */
const ascii = (text: string): string =>
  text.replace(/[^\p{ASCII}]/gu, (character) => signs[character] ?? (isBox.test(character) ? "+" : escaped(character)))

/** Corners and crossings, for the most part. */
const isBox = /[\u2500-\u257F]/

/** Of tables, charts and lanes. */
const signs: Record<string, string> = {
  "×": "x",
  "░": ".",
  "▒": ":",
  "▓": "+",
  "█": "#",
  "▲": "^",
  "▶": ">",
  "┏": ".",
  "┓": ".",
  "┗": "'",
  "┛": "'",
  "─": "-",
  "━": "-",
  "│": "|",
  "┃": "|"
}
