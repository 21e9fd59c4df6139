/** What a script shows while it runs: a log on standard output and, on a terminal, progress under it. */
import { Context, Effect, Layer, Logger } from "effect"
import { Memory } from "../../lib/mod.ts"
import { memoryOf } from "./processes.ts"
import * as progress from "./progress.ts"

/** Prints lines as the known experiment does, and counts jobs. */
export class Output extends Context.Service<Output, {
  readonly line: (text: string) => void
  readonly jobStarted: (id: number) => void
  /** One of the jobs has ended, also one that did not start. */
  readonly jobEnded: (id: number) => void
  /** From now on the memory shown is that of another process, which runs the jobs. */
  readonly follow: (pid: number) => void
}>()("scripts/Output") {
  /** `Effect.log` prints here too. */
  static readonly layer = (options: Options) =>
    Layer.unwrap(Effect.map(make(options), (output) =>
      Layer.mergeAll(
        Layer.succeed(Output, output),
        Logger.layer([Logger.make(({ message }) => output.line([message].flat().join(" ")))])
      )))
}

export interface Options {
  readonly jobs: number
  readonly workers: number
  readonly silent: boolean
}

const make = Effect.fnUntraced(function*({ jobs, silent, workers }: Options) {
  const running = new Set<number>()
  let memory: () => progress.MemoryNow | undefined = Memory.sampleUnsafe
  const { add, write } = yield* progress.make({
    total: jobs,
    unit: "jobs",
    workers: { count: workers, busy: () => running.size },
    memory: () => memory(),
    silent
  })
  return {
    line: (text: string) => write(`${timestamp()}: ${text}\n`),
    jobStarted: (id: number) => void running.add(id),
    jobEnded: (id: number) => {
      running.delete(id)
      add(1)
    },
    follow: (pid: number) => {
      memory = () => memoryOf(pid)
    }
  }
})

const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" })

/** Local time to the microsecond. */
const timestamp = () => {
  const at = performance.timeOrigin + performance.now()
  const micros = Math.floor((at % 1000) * 1000)
  const millis = new Date(at).getMilliseconds()
  return `${local.format(at)}.${String(millis).padStart(3, "0")}${String(micros % 1000).padStart(3, "0")}`
}
