/** What stands for standard output in a test. */
import { PassThrough } from "node:stream"

/** A stream that says that it is a terminal, or not, and what was written to it. */
export const fake = (isTTY: boolean) => {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY, columns: 120 })
  let written = ""
  stream.on("data", (text: string) => {
    written += text
  })
  return { stream, written: () => written }
}
