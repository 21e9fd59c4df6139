// What a worker process runs first; see threadEntry.js.
import { enableCompileCache } from "node:module"

enableCompileCache()
await import("./process.ts")
