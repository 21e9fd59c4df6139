/**
 * The executor's side of spinning: while short jobs are with workers it looks for their results in each turn of the event
 * loop, which then does not sleep. Other events are handled as ever.
 */
import { Spin, spinMs } from "./Spin.ts"

export class BusyPoll {
  /** Workers need not tell of results: somebody looks. */
  isOn = false
  #since = 0
  #waitedMs = Infinity
  readonly #spin = new Spin()
  readonly #mayPoll: () => boolean
  readonly #look: () => void

  /** `look` looks for results, and has workers tell of later ones unless this is on. */
  constructor(mayPoll: () => boolean, look: () => void) {
    this.#mayPoll = mayPoll
    this.#look = look
  }

  /** Jobs were sent. */
  sent(): void {
    this.#since = performance.now()
    if (this.isOn || !this.#mayPoll() || !this.#spin.pays(this.#waitedMs)) return
    this.isOn = true
    setImmediate(this.#poll)
  }

  /** There were results. */
  found(): void {
    const now = performance.now()
    this.#waitedMs = now - this.#since
    this.#since = now
    if (this.isOn) this.#spin.hit()
  }

  readonly #poll = () => {
    this.#look()
    const isInVain = performance.now() - this.#since > spinMs
    if (!isInVain && this.#mayPoll()) return void setImmediate(this.#poll)
    if (isInVain) this.#spin.missed()
    this.isOn = false
    this.#look()
  }
}
