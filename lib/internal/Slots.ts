/**
 * Memory that an executor shares with one of its workers: a slot for each item on its way, where both sides note how far
 * it is. A note is seen at once, however busy the other side is, and outlives the worker. Inputs and results that are
 * numbers and the like, or small, need no message. Loads nothing of Effect.
 *
 * An item is sent; then either the worker claims it or the executor takes it back, whichever comes first. One that is
 * claimed is done when its result is in the slot, or when the reply that carries it has come. That the worker replied is
 * noted as well: it did not die of that item. Items are numbered as they are sent, and a state holds its item's number,
 * so that an item that comes late never meets the state of another.
 */
import { isArrayBuffer, isTypedArray } from "node:util/types"
import { Places } from "./Places.ts"
import { parse, smallJson } from "./plainJson.ts"
import type { Outcome } from "./protocol.ts"
import { typedArrays } from "./typedArrays.ts"

/** How many items can be on their way to and from one worker. */
export const capacity = 1024

const State = {
  sent: 0,
  claimed: 1,
  takenBack: 2,
  replied: 3,
  undefined: 4,
  null: 5,
  false: 6,
  true: 7,
  number: 8,
  json: 9,
  array: 10
} as const

type State = typeof State[keyof typeof State]

const bits = 4

const stateOf = (item: number, state: State) => item << bits | state

/** The places before the states. */
const Cell = { cancelled: 0, round: 1, told: 2, woken: 3, length: 4 } as const

/** How often the numbers that a cell can hold have gone round before the item's. */
const roundOf = (item: number) => Math.floor(item / 2 ** 32)

const doubles = 3 * capacity * Float64Array.BYTES_PER_ELEMENT

const integers = (Cell.length + 2 * capacity) * Int32Array.BYTES_PER_ELEMENT

export class Slots {
  readonly memory: SharedArrayBuffer
  readonly #values: Float64Array
  readonly #startedAt: Float64Array
  readonly #returnedAt: Float64Array
  readonly #cells: Int32Array
  readonly #states: Int32Array
  /** For each input that the worker has yet to take: its item's number, and the state that it would be as a result. */
  readonly #inputs: Int32Array

  readonly #inputPlaces: Places
  readonly #resultPlaces: Places

  constructor(memory = new SharedArrayBuffer(doubles + integers + 2 * Places.bytes)) {
    const column = (n: number) => new Float64Array(memory, n * doubles / 3, capacity)
    this.memory = memory
    this.#values = column(0)
    this.#startedAt = column(1)
    this.#returnedAt = column(2)
    this.#cells = new Int32Array(memory, doubles, Cell.length)
    this.#states = new Int32Array(memory, doubles + this.#cells.byteLength, capacity)
    this.#inputs = new Int32Array(memory, doubles + this.#cells.byteLength + this.#states.byteLength, capacity)
    this.#inputPlaces = new Places(memory, doubles + integers)
    this.#resultPlaces = new Places(memory, doubles + integers + Places.bytes)
  }

  // The executor's side.

  send(item: number): void {
    Atomics.store(this.#states, item % capacity, stateOf(item, State.sent))
  }

  /** Puts down the input of an item that was sent, if it is one that fits; the worker takes them in order. */
  give(item: number, input: unknown): boolean {
    // The worker may not have taken one that it will not claim.
    if (Atomics.load(this.#inputs, item % capacity) !== 0) return false
    const state = this.#put(item, input, this.#inputPlaces)
    if (state === undefined) return false
    Atomics.store(this.#inputs, item % capacity, stateOf(item, state))
    return true
  }

  /** Whether the worker has to be woken: it has gone to sleep since it was woken last. */
  mustWake(): boolean {
    return Atomics.exchange(this.#cells, Cell.woken, 1) === 0
  }

  /** Whether the worker has not claimed it, and never will. */
  takeBack(item: number): boolean {
    return this.#swap(item, State.sent, State.takenBack)
  }

  isClaimed(item: number): boolean {
    return Atomics.load(this.#states, item % capacity) !== stateOf(item, State.sent)
  }

  /** Whether the reply that carries its result is on its way. */
  isReplied(item: number): boolean {
    return Atomics.load(this.#states, item % capacity) === stateOf(item, State.replied)
  }

  /** Whether its result is in the slot. */
  isDone(item: number): boolean {
    return Atomics.load(this.#states, item % capacity) >= stateOf(item, State.undefined)
  }

  /** The result of an item that is done; what has a place there leaves it. */
  takeResult(item: number): unknown {
    return this.#take(item, Atomics.load(this.#states, item % capacity), this.#resultPlaces)
  }

  startedAt(item: number): number {
    return this.#startedAt[item % capacity]!
  }

  returnedAt(item: number): number {
    return this.#returnedAt[item % capacity]!
  }

  cancel(item: number): void {
    Atomics.store(this.#cells, Cell.round, roundOf(item))
    Atomics.store(this.#cells, Cell.cancelled, item)
  }

  /** From now on the worker tells when it has put down a result. Look at the slots after, not before. */
  listen(): void {
    Atomics.store(this.#cells, Cell.told, 0)
  }

  // The worker's side.

  /** From now on the worker is woken for inputs. Look for them after, not before. */
  sleep(): void {
    Atomics.store(this.#cells, Cell.woken, 0)
  }

  hasInput(item: number): boolean {
    const input = Atomics.load(this.#inputs, item % capacity)
    return input !== 0 && (input ^ stateOf(item, 0)) >>> bits === 0
  }

  takeInput(item: number): unknown {
    const input = this.#take(item, Atomics.load(this.#inputs, item % capacity), this.#inputPlaces)
    Atomics.store(this.#inputs, item % capacity, 0)
    return input
  }

  /** Whether the worker may run it. */
  claim(item: number, at: number): boolean {
    if (!this.#swap(item, State.sent, State.claimed)) return false
    this.#startedAt[item % capacity] = at
    return true
  }

  isCancelled(item: number): boolean {
    return Atomics.load(this.#cells, Cell.cancelled) === (item | 0) &&
      Atomics.load(this.#cells, Cell.round) === roundOf(item)
  }

  /** Puts down the outcome of an item that was claimed, if it is one that fits; in a place only where it `mayHavePlace`. */
  put(item: number, outcome: Outcome, at: number, mayHavePlace: boolean): boolean {
    if (outcome._tag !== "Succeeded") return false
    const state = this.#put(item, outcome.value, mayHavePlace ? this.#resultPlaces : undefined)
    if (state === undefined) return false
    this.#returnedAt[item % capacity] = at
    Atomics.store(this.#states, item % capacity, stateOf(item, state))
    return true
  }

  /** The reply that carries the result of an item that was claimed is on its way. */
  reply(item: number): void {
    this.#swap(item, State.claimed, State.replied)
  }

  /** Whether the executor has to be told that there is a result: it has looked since it was told last. */
  mustTell(): boolean {
    return Atomics.exchange(this.#cells, Cell.told, 1) === 0
  }

  #put(item: number, value: unknown, places: Places | undefined): State | undefined {
    const state = stateFor(value)
    if (state === State.number) this.#values[item % capacity] = value as number
    if (state !== undefined || places === undefined) return state
    if (isTypedArray(value)) return this.#putArray(item, value, places)
    const json = smallJson(value)
    return json !== undefined && places.putText(item, json) ? State.json : undefined
  }

  #putArray(item: number, array: NodeJS.TypedArray, places: Places): State | undefined {
    if (!ownsItsBuffer(array) || !places.putBytes(item, new Uint8Array(array.buffer))) return undefined
    this.#values[item % capacity] = typedArrays.findIndex(({ name }) => name === array[Symbol.toStringTag])
    return State.array
  }

  #take(item: number, cell: number, places: Places): unknown {
    switch (cell - stateOf(item, 0)) {
      case State.undefined:
        return undefined
      case State.null:
        return null
      case State.false:
        return false
      case State.true:
        return true
      case State.json:
        return parse(places.takeText(item))
      case State.array:
        return new typedArrays[this.#values[item % capacity]!]!(places.takeBytes(item).buffer)
      default:
        return this.#values[item % capacity]
    }
  }

  #swap(item: number, from: State, to: State): boolean {
    const expected = stateOf(item, from)
    return Atomics.compareExchange(this.#states, item % capacity, expected, stateOf(item, to)) === expected
  }
}

const stateFor = (value: unknown): State | undefined => {
  if (value === undefined) return State.undefined
  if (typeof value === "number") return State.number
  if (value === null) return State.null
  return typeof value === "boolean" ? value ? State.true : State.false : undefined
}

/** Whether its clone would have nothing but its own bytes. */
const ownsItsBuffer = ({ buffer, byteLength }: NodeJS.TypedArray): boolean =>
  isArrayBuffer(buffer) && buffer.byteLength === byteLength && !buffer.resizable && !buffer.detached
