/**
 * A cluster in simulated time: runners of one worker, a program that keeps them busy, and the database between them.
 *
 * The database is a number of cores that serve one statement each, first come, first served, and a lock that every
 * notification holds until its change is on disk, for Postgres gives notifications an order. A notification wakes all who
 * listen: the program and the first of the runners.
 */

export interface Cluster {
  readonly runners: number
  /** How long one job takes. */
  readonly jobMs: number
  /** How many jobs go in one message. */
  readonly chunk: number
  readonly cores: number
  /** How long the disk takes to hold a change for good. */
  readonly flushMs: number
  /** How often a runner with nothing to do asks for a message of which nothing told it. */
  readonly pollMs: number
  /** How many runners listen. */
  readonly listeners: number
}

export interface Outcome {
  readonly jobsPerSecond: number
  /** The share of the time for which the cores, the lock and the runners were busy. */
  readonly cores: number
  readonly lock: number
  readonly runners: number
}

/** What each statement costs a core of the database, in milliseconds: their sum is measured, their shares are guessed. */
export const costs = { submit: 0.55, ask: 0.35, start: 0.3, finish: 0.35, complete: 0.1, read: 0.1, announce: 0.05 }

/** What a notification costs it for each who listens. */
export const wakeMs = 0.03

/** How long a notification with nothing to flush holds the lock. */
const shortLockMs = 0.02

/** Runs the cluster until it is steady, and then for a while that counts. */
export const simulate = (cluster: Cluster): Outcome => {
  const { chunk, flushMs, jobMs, pollMs, runners } = cluster
  const listeners = Math.min(cluster.listeners, runners)
  const agenda = new Agenda()
  const cores = new Station(cluster.cores)
  const lock = new Station(1)
  const random = randomFrom(1)
  const messageMs = chunk * jobMs
  const warmUpMs = 10 * messageMs + 3000
  const endMs = warmUpMs + Math.max(20 * messageMs, 4000)
  let waiting = 0
  let ended = 0
  let ranMs = 0

  /** What asks again, for each runner that has nothing to do. */
  const idle = new Map<number, () => void>()

  const query = (costMs: number, then: () => void) => cores.serve(agenda, costMs, then)
  const notify = (costMs: number, lockMs: number, then: () => void) =>
    query(costMs + wakeMs * (listeners + 1), () => lock.serve(agenda, lockMs, then))
  const submit = () =>
    query(costs.submit, () => {
      waiting++
      notify(costs.announce, shortLockMs, () => {
        for (let runner = 0; runner < listeners; runner++) idle.get(runner)?.()
      })
    })
  const ask = (runner: number) =>
    query(costs.ask, () => {
      if (waiting === 0) {
        const askAgain = () => {
          if (idle.get(runner) !== askAgain) return
          idle.delete(runner)
          ask(runner)
        }
        idle.set(runner, askAgain)
        return agenda.at(pollMs, askAgain)
      }
      waiting--
      // Half as long to half as long again, so that runners that began together do not end together.
      const ms = messageMs * (0.5 + random())
      notify(costs.start, shortLockMs, () => agenda.at(ms, () => end(runner, ms)))
    })
  const end = (runner: number, ms: number) => {
    if (agenda.now > warmUpMs) ranMs += ms
    notify(costs.finish, flushMs + shortLockMs, () => {
      if (agenda.now > warmUpMs) ended += chunk
      query(costs.complete, () => ask(runner))
      query(costs.read, submit)
    })
  }

  for (let n = 0; n < 4 * runners; n++) submit()
  // One after the other within a second.
  for (let n = 0; n < runners; n++) agenda.at(1000 * n / runners, () => ask(n))
  const busyBefore = { cores: 0, lock: 0 }
  agenda.at(warmUpMs, () => Object.assign(busyBefore, { cores: cores.busyMs, lock: lock.busyMs }))
  agenda.runUntil(endMs)

  const countedMs = endMs - warmUpMs
  return {
    jobsPerSecond: ended / countedMs * 1000,
    cores: (cores.busyMs - busyBefore.cores) / countedMs / cluster.cores,
    lock: (lock.busyMs - busyBefore.lock) / countedMs,
    runners: Math.min(1, ranMs / countedMs / runners)
  }
}

/** The same numbers from 0 to 1 each time. */
const randomFrom = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** Servers that take one task each, in the order in which the tasks come. */
class Station {
  busyMs = 0
  readonly #servers: number
  readonly #line: Array<() => void> = []
  #first = 0
  #busy = 0

  constructor(servers: number) {
    this.#servers = servers
  }

  serve(agenda: Agenda, ms: number, then: () => void) {
    const begin = () => {
      this.#busy++
      this.busyMs += ms
      agenda.at(ms, () => {
        this.#busy--
        this.#next()
        then()
      })
    }
    this.#line.push(begin)
    this.#next()
  }

  #next() {
    if (this.#busy === this.#servers || this.#first === this.#line.length) return
    this.#line[this.#first++]!()
    if (this.#first < 10_000) return
    this.#line.splice(0, this.#first)
    this.#first = 0
  }
}

/** What happens when: a heap by time. */
class Agenda {
  now = 0
  readonly #heap: Array<{ readonly at: number; readonly act: () => void }> = []

  at(inMs: number, act: () => void) {
    const heap = this.#heap
    const entry = { at: this.now + inMs, act }
    let place = heap.push(entry) - 1
    for (let above = (place - 1) >> 1; place > 0 && heap[above]!.at > entry.at; above = (place - 1) >> 1) {
      heap[place] = heap[above]!
      place = above
    }
    heap[place] = entry
  }

  runUntil(end: number) {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= end) {
      const { act, at } = this.#pop()
      this.now = at
      act()
    }
  }

  #pop() {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && heap[below + 1]!.at < heap[below]!.at) below++
      if (heap[below]!.at >= last.at) break
      heap[place] = heap[below]!
      place = below
    }
    heap[place] = last
    return first
  }
}
