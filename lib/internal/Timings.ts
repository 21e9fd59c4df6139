/** How long jobs waited and ran, from the latest of them. */
import { quantile } from "simple-statistics"
import type { Quantiles } from "../Executor.ts"
import { now } from "./clock.ts"

const kept = 1024

/** The latest values, in a ring. */
class Recent {
  readonly #values: Array<number> = []
  #next = 0

  add(value: number): void {
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) % kept
  }

  quantiles(): Quantiles {
    if (this.#values.length === 0) return { p50: 0, p90: 0, p99: 0 }
    const [p50, p90, p99] = quantile(this.#values, [0.5, 0.9, 0.99]) as [number, number, number]
    return { p50, p90, p99 }
  }
}

export class Timings {
  readonly #waits = new Recent()
  readonly #runs = new Recent()
  readonly #since = now()
  #busyMs = 0

  waited(ms: number): void {
    this.#waits.add(ms)
  }

  ran(ms: number): void {
    this.#runs.add(ms)
    this.#busyMs += ms
  }

  summary(maxWorkers: number) {
    return {
      waitMs: this.#waits.quantiles(),
      runMs: this.#runs.quantiles(),
      utilization: Math.min(1, this.#busyMs / (maxWorkers * (now() - this.#since)))
    }
  }
}
