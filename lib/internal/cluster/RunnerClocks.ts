/** What the clocks of a cluster's runners show, by this machine's. */
import type { Measured } from "./RemoteTask.ts"

export class RunnerClocks {
  /** What to add to a runner's clock, by its address. */
  readonly #offsets = new Map<string, number>()

  /**
   * When a job ran that began after `earliest` and had returned by `latest`. A clock is taken for right as far as that
   * allows, and from then on for as far off as it turned out to be: what a runner did in turn stays in turn.
   */
  read({ returnedAt, runner, startedAt }: Measured, earliest: number, latest: number) {
    const offset = Math.min(latest - returnedAt, Math.max(earliest - startedAt, this.#offsets.get(runner) ?? 0))
    this.#offsets.set(runner, offset)
    return { startedAt: startedAt + offset, at: returnedAt + offset }
  }
}
