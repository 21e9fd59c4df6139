/** One HTML file that holds everything: its style, its script and what it shows. */
import { Effect, FileSystem } from "effect"
import { createHash } from "node:crypto"
import path from "node:path"
import type { Plots } from "../../plots/plots.ts"

/** What a page gets to show. */
export interface Shown {
  readonly plots: Plots
  /** Whether the page follows what its server tells, see `review watch`. */
  readonly isLive: boolean
}

const browser = path.join(import.meta.dirname, "browser")

/**
 * Makes pages. What stands in records is data to the script and never a part of the HTML, and nothing runs in the page
 * but that script: the policy names it by its hash. Bundles it once.
 */
export const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const style = yield* fs.readFileString(path.join(browser, "style.css"))
  const script = yield* Effect.promise(bundle)
  return (shown: Shown): string =>
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '${
      hash(script)
    }'; style-src 'unsafe-inline'; ${shown.isLive ? "connect-src 'self'; " : ""}base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Runs</title>
<style>${style}</style>
</head>
<body>
<script type="application/json" id="shown">${JSON.stringify(shown).replaceAll("<", "\\u003c")}</script>
<script>${script}</script>
</body>
</html>
`
})

const bundle = async () => {
  const { build } = await import("esbuild")
  const { outputFiles: [script] } = await build({
    entryPoints: [path.join(browser, "main.ts")],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    write: false
  })
  return script!.text
}

const hash = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`
