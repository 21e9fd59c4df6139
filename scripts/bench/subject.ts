/** One sample of one subject, in this process; prints it as JSON. */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Memory } from "../../lib/mod.ts"
import { cases } from "./cases.ts"

const [caseName, subjectName, parameters] = process.argv.slice(2)
const subject = cases.find(({ name }) => name === caseName)!.subjects.find(({ name }) => name === subjectName)!

Effect.scoped(Effect.gen(function*() {
  const measured = yield* subject.prepare(JSON.parse(parameters!))
  Memory.collectUnsafe()
  const before = yield* Memory.sample
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  yield* measured
  const wallMs = performance.now() - startedAt
  const { system, user } = process.cpuUsage(cpu)
  const after = yield* Memory.sample
  yield* Console.log(JSON.stringify({
    wallMs,
    cpuMs: (system + user) / 1000,
    peakGrowthBytes: Math.max(0, after.maxRssBytes - before.rssBytes)
  }))
})).pipe(NodeRuntime.runMain)
