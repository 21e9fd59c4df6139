/** A binary heap of items any of which can be taken out, or put in order again, in logarithmic time. */
export class Heap<T> {
  readonly #items: Array<T> = []
  readonly #places = new Map<T, number>()
  readonly #isBefore: (a: T, b: T) => boolean

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    this.#put(item, this.#items.length)
    this.changed(item)
  }

  /** `item` must be in the heap. */
  remove(item: T): void {
    const place = this.#places.get(item)!
    const last = this.#items.pop()!
    this.#places.delete(item)
    if (last === item) return
    this.#put(last, place)
    this.changed(last)
  }

  /** What `item` is ordered by has changed. It must be in the heap. */
  changed(item: T): void {
    let place = this.#places.get(item)!
    for (let parent = (place - 1) >> 1; place > 0 && this.#swapped(parent, place); parent = (place - 1) >> 1) {
      place = parent
    }
    for (let child = this.#firstChild(place); this.#swapped(place, child); child = this.#firstChild(place)) {
      place = child
    }
  }

  #firstChild(place: number): number {
    const left = 2 * place + 1
    return left + 1 < this.#items.length && this.#isBefore(this.#items[left + 1]!, this.#items[left]!) ? left + 1 : left
  }

  /** Whether the item at `lower` had to change places with its parent at `upper`. */
  #swapped(upper: number, lower: number): boolean {
    if (lower >= this.#items.length) return false
    const [parent, child] = [this.#items[upper]!, this.#items[lower]!]
    if (!this.#isBefore(child, parent)) return false
    this.#put(parent, lower)
    this.#put(child, upper)
    return true
  }

  #put(item: T, place: number) {
    this.#items[place] = item
    this.#places.set(item, place)
  }
}
