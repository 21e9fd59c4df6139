/**
 * The tasks that wait: the higher priority first, within one priority first in, first out. Every fourth task is the one
 * that has waited longest, whatever its priority, so that none waits for ever.
 *
 * Each priority has a doubly linked list through its tasks, from which a task can be taken out anywhere in constant time.
 * There may be as many priorities as tasks, so two heaps tell whose turn it is.
 */
import { Heap } from "./Heap.ts"

export interface Waiting<T> {
  /** Lower was accepted earlier. */
  readonly id: number
  readonly priority: number
  isQueued: boolean
  previous: T | undefined
  next: T | undefined
}

/** Never empty. */
interface Line<T> {
  readonly priority: number
  first: T
  last: T
}

export class TaskQueue<T extends Waiting<T>> {
  readonly #lines = new Map<number, Line<T>>()
  readonly #byPriority = new Heap<Line<T>>((a, b) => a.priority > b.priority)
  readonly #byAge = new Heap<Line<T>>((a, b) => a.first.id < b.first.id)
  #shifts = 0
  size = 0

  push(task: T): void {
    const line = this.#lines.get(task.priority)
    if (line === undefined) return this.#insertAlone(task)
    task.previous = line.last
    line.last.next = task
    line.last = task
    this.#added(task)
  }

  /** Ahead of its line: for a task that had its turn already. */
  unshift(task: T): void {
    const line = this.#lines.get(task.priority)
    if (line === undefined) return this.#insertAlone(task)
    task.next = line.first
    line.first.previous = task
    line.first = task
    this.#byAge.changed(line)
    this.#added(task)
  }

  /** Whose turn it is. */
  get next(): T | undefined {
    return ((this.#shifts + 1) % 4 === 0 ? this.#byAge : this.#byPriority).first?.first
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
    const line = this.#lines.get(task.priority)!
    const { next, previous } = task
    if (next !== undefined) next.previous = previous
    if (previous !== undefined) previous.next = next
    task.previous = undefined
    task.next = undefined
    task.isQueued = false
    this.size--
    if (line.last === task && previous !== undefined) line.last = previous
    if (line.first !== task) return
    if (next === undefined) return this.#removeLine(line)
    line.first = next
    this.#byAge.changed(line)
  }

  #insertAlone(task: T) {
    const line = { priority: task.priority, first: task, last: task }
    this.#lines.set(task.priority, line)
    this.#byPriority.add(line)
    this.#byAge.add(line)
    this.#added(task)
  }

  #added(task: T) {
    task.isQueued = true
    this.size++
  }

  #removeLine(line: Line<T>) {
    this.#lines.delete(line.priority)
    this.#byPriority.remove(line)
    this.#byAge.remove(line)
  }
}
