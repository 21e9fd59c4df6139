/** One direction between a pool and a worker: messages are late, come twice or are lost, and never overtake another. */
import type { Fate } from "./schedule.ts"
import type { Timeline } from "./Timeline.ts"

export class Channel<Message> {
  /** Messages on their way. */
  underway = 0
  readonly #timeline: Timeline
  readonly #fates: Array<Fate>
  readonly #deliver: (message: Message) => void
  readonly #onLost: (diesAfterMs: number) => void
  #lastDue = 0

  constructor(
    timeline: Timeline,
    fates: ReadonlyArray<Fate>,
    deliver: (message: Message) => void,
    onLost: (diesAfterMs: number) => void
  ) {
    this.#timeline = timeline
    this.#fates = [...fates]
    this.#deliver = deliver
    this.#onLost = onLost
  }

  post(message: Message, transfer: ReadonlyArray<ArrayBuffer>): void {
    const copy = structuredClone(message, { transfer: [...transfer] })
    const fate = this.#fates.shift() ?? { _tag: "Arrives", afterMs: 0 }
    switch (fate._tag) {
      case "Arrives":
        return this.#send(copy, fate.afterMs)
      case "ArrivesTwice":
        this.#send(structuredClone(copy), 0)
        return this.#send(copy, fate.againAfterMs)
      case "IsLost":
        return this.#onLost(fate.diesAfterMs)
    }
  }

  #send(message: Message, afterMs: number) {
    const now = this.#timeline.now()
    this.#lastDue = Math.max(this.#lastDue, now + Math.max(afterMs, 1))
    this.underway++
    this.#timeline.after(this.#lastDue - now, () => {
      this.underway--
      this.#deliver(message)
    })
  }
}
