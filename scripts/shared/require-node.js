// The first import of every script, in JavaScript that any Node can read: says which Node is needed before one fails.
import { readFileSync } from "node:fs"

const { dependencies, engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
const needed = engines.node.replace(">=", "").split(".").map(Number)
const [major, minor] = process.versions.node.split(".").map(Number)

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  process.stderr.write(
    `effect-futures needs Node ${engines.node}: this is ${process.versions.node}. ` +
      `"npm ci" installs Node ${dependencies.node} here, and npm's scripts and npx use it.\n`
  )
  process.exit(2)
}
