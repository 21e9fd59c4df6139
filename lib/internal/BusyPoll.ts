/**
 * Spinning that leaves nothing waiting: while a thread expects something soon, its event loop turns without sleeping, and
 * handles other events as ever. Both sides use it, the executor for results and a worker for inputs. Loads nothing of
 * Effect.
 */
import { setImmediate } from "node:timers"
import { now } from "./clock.ts"
import { Spin, spinMs } from "./Spin.ts"

export class BusyPoll {
  /** Whether the loop turns, so that it need not be woken. */
  isOn = false
  #since = -Infinity
  #waitedMs = Infinity
  readonly #spin = new Spin()
  readonly #mayPoll: () => boolean
  readonly #look: () => void

  /** `look` is called in each turn, and once more when this is no longer on. */
  constructor(mayPoll: () => boolean, look: () => void) {
    this.#mayPoll = mayPoll
    this.#look = look
  }

  /** Something is expected from now on. */
  expect(): void {
    this.#since = now()
    if (this.isOn || !this.#mayPoll() || !this.#spin.pays(this.#waitedMs)) return
    this.isOn = true
    setImmediate(this.#poll)
  }

  /** It came. */
  came(): void {
    const at = now()
    this.#waitedMs = at - this.#since
    this.#since = at
    if (this.isOn) this.#spin.hit()
  }

  readonly #poll = () => {
    this.#look()
    const isInVain = now() - this.#since > spinMs
    if (!isInVain && this.#mayPoll()) return void setImmediate(this.#poll)
    if (isInVain) this.#spin.missed()
    this.isOn = false
    this.#look()
  }
}
