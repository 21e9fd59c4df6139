/**
 * The tasks that wait: the higher priority first, within one priority first in, first out. Every fourth task is the one
 * that has waited longest, whatever its priority, so that none waits for ever.
 *
 * Each priority has a doubly linked list through its tasks: a task can be taken out anywhere in constant time.
 */

export interface Waiting<T> {
  /** Lower was accepted earlier. */
  readonly id: number
  readonly priority: number
  isQueued: boolean
  previous: T | undefined
  next: T | undefined
}

interface Line<T> {
  readonly priority: number
  first: T | undefined
  last: T | undefined
}

export class TaskQueue<T extends Waiting<T>> {
  /** The highest priority first. */
  readonly #lines: Array<Line<T>> = []
  #shifts = 0
  size = 0

  push(task: T): void {
    const line = this.#lineOf(task)
    this.#insert(task, line, line.last, undefined)
  }

  /** Ahead of its line: for a task that had its turn already. */
  unshift(task: T): void {
    const line = this.#lineOf(task)
    this.#insert(task, line, undefined, line.first)
  }

  /** Whose turn it is. */
  get next(): T | undefined {
    return (this.#shifts + 1) % 4 === 0 ? this.#oldest() : this.#lines[0]?.first
  }

  shift(): T | undefined {
    const task = this.next
    this.#shifts++
    if (task !== undefined) this.remove(task)
    return task
  }

  /** Takes out all tasks, in the order of their turns. */
  clear(): Array<T> {
    return Array.from({ length: this.size }, () => this.shift()!)
  }

  /** `task` must be in the queue. */
  remove(task: T): void {
    const line = this.#lineOf(task)
    if (task.previous === undefined) line.first = task.next
    else task.previous.next = task.next
    if (task.next === undefined) line.last = task.previous
    else task.next.previous = task.previous
    task.previous = undefined
    task.next = undefined
    task.isQueued = false
    this.size--
    if (line.first === undefined) this.#lines.splice(this.#lines.indexOf(line), 1)
  }

  #insert(task: T, line: Line<T>, previous: T | undefined, next: T | undefined) {
    task.previous = previous
    task.next = next
    if (previous === undefined) line.first = task
    else previous.next = task
    if (next === undefined) line.last = task
    else next.previous = task
    task.isQueued = true
    this.size++
  }

  #oldest(): T | undefined {
    return this.#lines.reduce<T | undefined>(
      (oldest, { first }) => first !== undefined && (oldest === undefined || first.id < oldest.id) ? first : oldest,
      undefined
    )
  }

  #lineOf({ priority }: T): Line<T> {
    const at = this.#lines.findIndex((line) => line.priority <= priority)
    const found = this.#lines[at]
    if (found?.priority === priority) return found
    const line = { priority, first: undefined, last: undefined }
    this.#lines.splice(at === -1 ? this.#lines.length : at, 0, line)
    return line
  }
}
