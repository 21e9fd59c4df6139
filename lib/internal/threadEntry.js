// What a worker thread runs first. Node keeps what it compiles from here on, job modules included, among the system's
// temporary files: a later worker starts in half the time. In JavaScript, so that it is not itself what takes long.
import { enableCompileCache } from "node:module"

enableCompileCache()
await import("./thread.ts")
