/** What the clocks of a cluster's runners show, by this machine's. */

/** A worker of a runner. */
export interface RemoteWorker {
  readonly workerId: number
  /** The runner's address. */
  readonly runner: string
}

/** When a worker had a job, by the clock of its runner's machine. */
export interface Ran extends RemoteWorker {
  readonly startedAt: number
  readonly returnedAt: number
}

/** A worker's number is its runner's times this, and its own. */
export const workersPerRunner = 1000

export class RunnerClocks {
  /** What to add to a runner's clock, by its number. */
  readonly #offsets = new Map<number, number>()

  /**
   * When a job ran that began after `earliest` and had returned by `latest`. A clock is taken for right as far as that
   * allows, and from then on for as far off as it turned out to be: what a runner did in turn stays in turn.
   */
  read({ returnedAt, startedAt, workerId }: Ran, earliest: number, latest: number) {
    const runner = Math.floor(workerId / workersPerRunner)
    const offset = Math.min(latest - returnedAt, Math.max(earliest - startedAt, this.#offsets.get(runner) ?? 0))
    this.#offsets.set(runner, offset)
    return { startedAt: startedAt + offset, at: returnedAt + offset }
  }
}
