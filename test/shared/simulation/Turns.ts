/** Who waits for a worker, and whether each gets its turn: in order within a priority, and nobody passed over for ever. */

export interface Turn {
  readonly order: number
  readonly priority: number
  /** Starts since it began to wait, of those accepted before and after it. */
  startsOfOlder: number
  startsOfYounger: number
}

export class Turns {
  readonly #waiting = new Set<Turn>()
  readonly #violation: (what: string) => void
  #accepted = 0
  /** Turns that pass without a start that is seen: the executor refused the input, or nobody looked on. */
  #unseen = 0

  constructor(violation: (what: string) => void) {
    this.#violation = violation
  }

  /** A task that may take so many turns that are not seen. */
  acceptUnseen(turns: number): void {
    this.#unseen += turns
  }

  accept(priority: number, mayBeRefused: number): Turn {
    const turn = { order: this.#accepted++, priority, startsOfOlder: 0, startsOfYounger: 0 }
    this.#unseen += mayBeRefused
    this.#waiting.add(turn)
    return turn
  }

  /** It starts, for the first time or again. */
  start(turn: Turn): void {
    const isFirst = this.#waiting.delete(turn)
    for (const other of this.#waiting) {
      if (other.order < turn.order) other.startsOfYounger++
      else other.startsOfOlder++
      if (isFirst && other.priority === turn.priority && other.order < turn.order) {
        this.#violation(`task ${turn.order} started before task ${other.order} of the same priority`)
      }
      if (other.startsOfYounger > 3 * (other.startsOfOlder + this.#unseen + 1)) {
        this.#violation(`task ${other.order} was passed over ${other.startsOfYounger} times`)
      }
    }
  }

  leave(turn: Turn): void {
    this.#waiting.delete(turn)
  }
}
