/** How long the items of a job take, by the latest ones. */

/** The share of the latest item. */
const latest = 1 / 16

/** What a reply takes a worker that was waited for. */
const replyMs = 0.05

/** What is taken for the time that is not known yet. */
const unknownMs = 1e6

export class Pace {
  #runMs: number | undefined = undefined
  /** What a worker does for an item beside: to receive it, and to reply. */
  #besideMs: number | undefined = undefined
  /** How long it takes to send an item to a worker that is awake; nothing as long as that is not known. */
  sendMs = 0

  get isKnown(): boolean {
    return this.#runMs !== undefined
  }

  get runMs(): number {
    return this.#runMs ?? unknownMs
  }

  /** How long an item keeps a worker busy. */
  get busyMs(): number {
    return this.runMs + (this.#besideMs ?? 0)
  }

  /** It took so long to send an item to a worker that is awake. */
  sent(ms: number): void {
    this.sendMs = mean(this.sendMs, ms)
  }

  /** An item ran for `runMs` and took its worker `besideMs`; where that is not known, no longer than to send it and reply. */
  measured(runMs: number, besideMs: number | undefined, sendMs: number): void {
    this.#runMs = mean(this.#runMs, runMs)
    this.#besideMs = besideMs === undefined
      ? Math.min(this.#besideMs ?? Infinity, sendMs + replyMs)
      : mean(this.#besideMs, besideMs)
  }
}

const mean = (before: number | undefined, now: number) =>
  before === undefined ? now : latest * now + (1 - latest) * before
