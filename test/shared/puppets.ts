/**
 * A pool whose workers do what a test says, each step when it says so: their messages come at once, and time is the
 * test's own. Its jobs never run; the test puts down in a worker's slots what a real one would.
 */
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as EffectWorker from "effect/workers/Worker"
import { WorkerError, WorkerReceiveError } from "effect/workers/WorkerError"
import type { FromWorker, Outcome, ToWorker } from "../../lib/internal/protocol.ts"
import { Slots } from "../../lib/internal/Slots.ts"
import * as WorkerPool from "../../lib/internal/WorkerPool.ts"
import type * as Job from "../../lib/Job.ts"

/** What `now` of `lib/internal/clock.ts` tells, once a test has put this in its place. */
export const time = { now: 1000 }

export const job = (name: string): Job.Job<unknown, unknown> => ({ module: import.meta.url, name, run: () => {} })

type Inbound = readonly [0, ToWorker] | readonly [1]

export class Puppet {
  /** What it was sent. */
  readonly messages: Array<ToWorker> = []
  slots = new Slots()
  /** How long it takes to send it something. */
  sendMs = 0
  /** It was asked to go, or was killed. */
  isAsked = false
  isKilled = false
  emit: (message: readonly [0] | readonly [1, FromWorker]) => void = () => {}
  fail: () => void = () => {}
  readonly gone = Deferred.makeUnsafe<void>()
  readonly workerId: number

  constructor(workerId: number) {
    this.workerId = workerId
  }

  readonly postMessage = (sent: Inbound, transfer: ReadonlyArray<ArrayBuffer> = []) => {
    if (sent[0] === 1) return
    const message = structuredClone(sent[1], { transfer: [...transfer] })
    if (message._tag === "Init" && message.slots !== undefined) this.slots = new Slots(message.slots)
    this.messages.push(message)
    time.now += this.sendMs
  }

  /** It is ready. */
  up() {
    this.emit([0])
    this.say({ _tag: "Ready" })
  }

  say(message: FromWorker) {
    this.emit([1, message])
  }

  begin(item: number): boolean {
    return this.slots.claim(item, time.now)
  }

  /** The result of what has begun is in its slot; nobody is told. */
  put(item: number, value: unknown = item) {
    this.slots.put(item, { _tag: "Succeeded", value }, time.now, true)
  }

  /** Says that there are results in the slots. */
  tell() {
    this.say({ _tag: "Progress" })
  }

  /** Runs an item for so long, beginning now. */
  run(item: number, ms: number, value: unknown = item) {
    this.begin(item)
    time.now += ms
    this.put(item, value)
    this.tell()
  }

  reply(id: number, outcomes: ReadonlyArray<Outcome>, more: Partial<Extract<FromWorker, { _tag: "Settled" }>> = {}) {
    for (const n of outcomes.keys()) this.slots.reply(id + n)
    this.say({
      _tag: "Settled",
      id,
      outcomes,
      buffers: [],
      startedAt: time.now,
      returnedAt: time.now,
      cost: undefined,
      spans: undefined,
      ...more
    })
  }

  /** It is gone, of itself. */
  die() {
    this.fail()
    Deferred.doneUnsafe(this.gone, Effect.void)
  }

  /** The numbers and inputs of what came in messages. */
  get runs(): Array<readonly [number, ...Array<unknown>]> {
    return this.messages.flatMap((message) => message._tag === "Run" ? [[message.id, ...message.inputs] as const] : [])
  }

  get cancels(): Array<readonly [number, number]> {
    return this.messages.flatMap((message) => message._tag === "Cancel" ? [[message.first, message.last] as const] : [])
  }

  /** What waits in the slots from an item on. */
  given(item: number): Array<unknown> {
    const inputs: Array<unknown> = []
    while (this.slots.hasInput(item)) inputs.push(this.slots.takeInput(item++))
    return inputs
  }
}

export interface Options extends Partial<WorkerPool.Options> {
  readonly sharesMemory?: boolean
  readonly holdBack?: (workerId: number, item: number) => void
  /** Whether a worker that is asked to go, or killed, goes when the test says so, and not at once. */
  readonly lingers?: boolean
}

/** The pool, once `minWorkers` are up; its workers by the order of their start. */
export const make = Effect.fnUntraced(
  function*({ holdBack, lingers = false, sharesMemory = true, ...options }: Options = {}) {
    const workers: Array<Puppet> = []
    let lingering = lingers
    const scope = yield* Scope.make()
    const spawn = (workerId: number) => {
      const worker = new Puppet(workerId)
      workers.push(worker)
      return worker
    }
    const go = (worker: Puppet) =>
      Effect.suspend(() => {
        if (!lingering) worker.die()
        return Deferred.await(worker.gone)
      })
    const layer = Layer.merge(
      Layer.succeed(
        EffectWorker.WorkerPlatform,
        EffectWorker.makePlatform<Puppet>()({
          setup: ({ scope, worker }) =>
            Effect.as(
              Scope.addFinalizer(
                scope,
                Effect.suspend(() => {
                  worker.isAsked = true
                  return go(worker)
                })
              ),
              worker
            ),
          listen: ({ deferred, emit, port }) =>
            Effect.sync(() => {
              port.emit = emit
              port.fail = () => {
                const reason = new WorkerReceiveError({ message: "The worker is gone" })
                Deferred.doneUnsafe(deferred, Exit.fail(new WorkerError({ reason })))
              }
            })
        })
      ),
      EffectWorker.layerSpawner(spawn)
    )
    const clock = yield* TestClock.testClockWith(Effect.succeed)
    const opening = yield* Effect.forkScoped(
      WorkerPool.make({
        maxWorkers: 1,
        minWorkers: 0,
        maxJobsPerWorker: Infinity,
        idleTimeToLive: Duration.infinity,
        cancelGrace: Duration.minutes(1),
        setup: undefined,
        ...options
      }, {
        terminate: (workerId) =>
          Effect.suspend(() => {
            workers[workerId - 1]!.isKilled = true
            return go(workers[workerId - 1]!)
          }),
        exitOf: () => ({ exitCode: undefined }),
        address: ({ name }) => name,
        sharesMemory,
        refusal: () => undefined,
        clock,
        ...(holdBack && { holdBack })
      }).pipe(Effect.provide(layer), Scope.provide(scope)),
      { startImmediately: true }
    )
    const close = Effect.gen(function*() {
      lingering = false
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      // Jobs are waited for that no worker ends.
      while (closing.pollUnsafe() === undefined) yield* TestClock.adjust("10 seconds")
    })
    yield* Effect.addFinalizer(() => close)
    return { close, opening, workers }
  }
)

/** A pool of so many workers that are all up and idle. */
export const open = Effect.fnUntraced(function*(maxWorkers: number, options: Options = {}) {
  const { close, opening, workers } = yield* make({ maxWorkers, minWorkers: maxWorkers, ...options })
  workers.forEach((worker) => worker.up())
  return { close, pool: yield* Fiber.join(opening), workers }
})
