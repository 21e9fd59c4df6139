/** What a script shows while it runs: a log on standard output and, on a terminal, a progress bar under it. */
import { MultiBar, Presets } from "cli-progress"
import { Context, Effect, Layer, Logger } from "effect"

/** Prints lines as the known experiment does, and counts jobs. */
export class Output extends Context.Service<Output, {
  readonly line: (text: string) => void
  /** One of the jobs has ended. */
  readonly jobEnded: () => void
}>()("scripts/Output") {
  /** `Effect.log` prints here too. */
  static readonly layer = (options: { readonly jobs: number; readonly silent: boolean }) =>
    Layer.unwrap(Effect.map(make(options), (output) =>
      Layer.mergeAll(
        Layer.succeed(Output, output),
        Logger.layer([Logger.make(({ message }) => output.line([message].flat().join(" ")))])
      )))
}

const make = Effect.fnUntraced(function*({ jobs, silent }: { readonly jobs: number; readonly silent: boolean }) {
  if (silent) return { line: () => {}, jobEnded: () => {} }
  if (!process.stdout.isTTY) {
    return { line: (text: string) => void process.stdout.write(print(text)), jobEnded: () => {} }
  }
  const bars = yield* Effect.acquireRelease(
    Effect.sync(() =>
      new MultiBar({
        format: "{bar} {percentage}% | {value}/{total} jobs | {eta_formatted} left",
        stream: process.stdout,
        hideCursor: true,
        gracefulExit: false
      }, Presets.shades_classic)
    ),
    (started) =>
      Effect.sync(() => {
        // Draws what was logged since the bar was drawn last.
        started.update()
        started.stop()
      })
  )
  const bar = bars.create(jobs, 0)
  return { line: (text: string) => bars.log(print(text)), jobEnded: () => bar.increment() }
})

const print = (text: string) => `${timestamp()}: ${text}\n`

const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" })

/** Local time to the microsecond. */
const timestamp = () => {
  const at = performance.timeOrigin + performance.now()
  const micros = Math.floor((at % 1000) * 1000)
  const millis = new Date(at).getMilliseconds()
  return `${local.format(at)}.${String(millis).padStart(3, "0")}${String(micros % 1000).padStart(3, "0")}`
}
