/** What one worker has been sent and has not settled, in the order in which it runs. Items are numbered from 1 on. */
import { capacity } from "./Slots.ts"

interface Numbered {
  readonly number: number
  readonly runMs: number
  readonly busyMs: number
}

export class Line<T extends Numbered> {
  readonly #items: Array<T | undefined> = []
  /** When the worker was done with the latest, as far as is known. */
  #returnedAt = 0
  /** The number of the oldest. */
  first = 1
  /** The number that the next one gets. */
  next = 1
  size = 0
  /** How long all of it will run, and keep the worker busy. */
  runMs = 0
  busyMs = 0
  /** What is to be sent when this turn of the event loop ends. */
  outgoing: Array<T> = []
  /** The oldest, when somebody looked last. */
  lastSeen = 0
  /** The oldest takes long. */
  isStuck = false

  /** For how many more there is room. */
  get room(): number {
    return capacity - (this.next - this.first)
  }

  push(item: T): number {
    this.#items[this.next % capacity] = item
    this.size++
    this.runMs += item.runMs
    this.busyMs += item.busyMs
    return this.next++
  }

  get(number: number): T | undefined {
    return number >= this.first && number < this.next ? this.#items[number % capacity] : undefined
  }

  remove(number: number): void {
    const item = this.get(number)
    if (item === undefined) return
    this.#items[number % capacity] = undefined
    this.size--
    this.runMs = this.size === 0 ? 0 : this.runMs - item.runMs
    this.busyMs = this.size === 0 ? 0 : this.busyMs - item.busyMs
    while (this.first < this.next && this.#items[this.first % capacity] === undefined) this.first++
  }

  /**
   * What the worker did between the end of what it had before and the start of what it has returned now: a reply, and to
   * receive this. Undefined where it waited for that.
   */
  between(sentAt: number, startedAt: number, returnedAt: number): number | undefined {
    const since = this.#returnedAt
    this.#returnedAt = Math.max(since, returnedAt)
    return sentAt < since && since <= startedAt ? startedAt - since : undefined
  }

  /** All of it, as it is now. */
  items(): Array<T> {
    const items: Array<T> = []
    for (let number = this.first; number < this.next; number++) {
      const item = this.#items[number % capacity]
      if (item !== undefined) items.push(item)
    }
    return items
  }
}
