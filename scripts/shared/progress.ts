/** How far long work is, on a terminal: under what is printed stands a bar. */
import cliProgress from "cli-progress"
import { Effect } from "effect"
import { Memory } from "../../lib/mod.ts"
import { canDraw, hasUnicode } from "./terminal.ts"

export interface Options {
  readonly total: number
  /** What is counted, such as "jobs". */
  readonly unit: string
  /** How many there are to be busy, and how many of them are. */
  readonly workers?: { readonly count: number; readonly busy: () => number }
  /** Of the process that does the work, by default of this one. */
  readonly memory?: () => MemoryNow | undefined
  /** Whether nothing is to be shown or written. */
  readonly silent?: boolean
  /** What is written to, by default standard output. */
  readonly stream?: Output
  /** How long the work has to last for a bar to be drawn, by default no time at all. */
  readonly patienceMs?: number
}

/** What can be written to, and may say that it is a terminal. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean }

export interface MemoryNow {
  readonly rssBytes: number
  readonly maxRssBytes: number
}

export interface Progress {
  /** So much more is done. */
  readonly add: (done: number) => void
  /** Writes above the bar. */
  readonly write: (text: string) => void
}

/** Shows progress for the time of a scope; into a pipe it does no more than write. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const { patienceMs = 0, silent = false, stream = process.stdout, total } = options
  if (silent) return { add: () => {}, write: () => {} } satisfies Progress
  if (!canDraw(stream)) return { add: () => {}, write: (text) => void stream.write(text) } satisfies Progress

  const startedAt = performance.now()
  const bars = new cliProgress.MultiBar({
    format: (settings, params) => {
      const format = lineOf(options, params.value, performance.now() - startedAt)
      return cliProgress.Format.Formatter({ ...settings, format }, params, {})
    },
    barsize: 12,
    stream,
    hideCursor: true,
    gracefulExit: false,
    clearOnComplete: patienceMs > 0
  }, hasUnicode() ? cliProgress.Presets.shades_classic : cliProgress.Presets.legacy)
  let bar = patienceMs > 0 ? undefined : bars.create(total, 0)
  let done = 0
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (bar === undefined) return
      // Draws what was written since the bar was drawn last.
      bars.update()
      bars.stop()
    })
  )
  return {
    add: (more) => {
      done += more
      if (bar === undefined && performance.now() - startedAt > patienceMs) bar = bars.create(total, done)
      bar?.update(done)
    },
    write: (text) => bar === undefined ? void stream.write(text) : bars.log(text)
  } satisfies Progress
})

const lineOf = (
  { memory = Memory.sampleUnsafe, total, unit, workers }: Options,
  done: number,
  elapsedMs: number
) => {
  const now = memory()
  const perSecond = done / elapsedMs * 1000
  // What grows while it is read can be more than it was.
  const left = timeOf(Math.max(0, Math.ceil((total - done) / perSecond)))
  return [
    `{bar} {percentage}% | ${Math.round(done)}/${Math.round(total)} ${unit}`,
    ...(done > 0 ? [`${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`, `${left} left`] : []),
    ...(now === undefined ? [] : [`${megabytes(now.rssBytes)}, peak ${megabytes(now.maxRssBytes)}`]),
    ...(workers === undefined ? [] : [`${workers.busy()}/${workers.count} busy`])
  ].join(" | ")
}

/** Of hours the library tells the last two digits. */
const timeOf = (seconds: number) =>
  seconds < 100 * 3600
    ? cliProgress.Format.TimeFormat(seconds, { autopaddingChar: " " }, 5).trim()
    : `${Math.round(seconds / 86_400)} days`

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
