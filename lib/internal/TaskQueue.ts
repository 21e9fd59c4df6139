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

/** The tasks of one priority; never empty. */
interface List<T> {
  readonly priority: number
  first: T
  last: T
}

export class TaskQueue<T extends Waiting<T>> {
  readonly #lists = new Map<number, List<T>>()
  readonly #byPriority = new Heap<List<T>>((a, b) => a.priority > b.priority)
  readonly #byAge = new Heap<List<T>>((a, b) => a.first.id < b.first.id)
  #shifts = 0
  size = 0

  push(task: T): void {
    const list = this.#lists.get(task.priority)
    if (list === undefined) return this.#insertAlone(task)
    task.previous = list.last
    list.last.next = task
    list.last = task
    this.#added(task)
  }

  /** Ahead of the others of its priority: for a task that had its turn already. */
  unshift(task: T): void {
    const list = this.#lists.get(task.priority)
    if (list === undefined) return this.#insertAlone(task)
    task.next = list.first
    list.first.previous = task
    list.first = task
    this.#byAge.changed(list)
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
    const list = this.#lists.get(task.priority)!
    const { next, previous } = task
    if (next !== undefined) next.previous = previous
    if (previous !== undefined) previous.next = next
    task.previous = undefined
    task.next = undefined
    task.isQueued = false
    this.size--
    if (list.last === task && previous !== undefined) list.last = previous
    if (list.first !== task) return
    if (next === undefined) return this.#removeList(list)
    list.first = next
    this.#byAge.changed(list)
  }

  #insertAlone(task: T) {
    const list = { priority: task.priority, first: task, last: task }
    this.#lists.set(task.priority, list)
    this.#byPriority.add(list)
    this.#byAge.add(list)
    this.#added(task)
  }

  #added(task: T) {
    task.isQueued = true
    this.size++
  }

  #removeList(list: List<T>) {
    this.#lists.delete(list.priority)
    this.#byPriority.remove(list)
    this.#byAge.remove(list)
  }
}
