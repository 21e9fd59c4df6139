/** First in, first out, with removal from the middle in constant time: a doubly linked list through its members. */

export interface Linked<T> {
  previous: T | undefined
  next: T | undefined
}

export class TaskQueue<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined
  size = 0

  push(task: T): void {
    task.previous = this.#last
    task.next = undefined
    if (this.#last === undefined) this.#first = task
    else this.#last.next = task
    this.#last = task
    this.size++
  }

  /** Ahead of all others: for a task that had its turn already. */
  unshift(task: T): void {
    task.previous = undefined
    task.next = this.#first
    if (this.#first === undefined) this.#last = task
    else this.#first.previous = task
    this.#first = task
    this.size++
  }

  shift(): T | undefined {
    const task = this.#first
    if (task !== undefined) this.remove(task)
    return task
  }

  /** `task` must be in the queue. */
  remove(task: T): void {
    if (task.previous === undefined) this.#first = task.next
    else task.previous.next = task.next
    if (task.next === undefined) this.#last = task.previous
    else task.next.previous = task.previous
    task.previous = undefined
    task.next = undefined
    this.size--
  }
}
