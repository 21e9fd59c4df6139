import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import fs from "node:fs"
import { JobTable, type State, type Submission } from "../../../lib/internal/cluster/JobTable.ts"
import type { RemoteTask } from "../../../lib/internal/cluster/RemoteTask.ts"
import { RemoteTasks } from "../../../lib/internal/cluster/RemoteTasks.ts"
import * as Submitter from "../../../lib/internal/cluster/Submitter.ts"
import { ResultStore } from "../../../lib/mod.ts"
import { echo } from "../../jobs/values.ts"
import { makeNotes } from "../../shared/backEnds.ts"
import { accept } from "../../shared/remoteTasks.ts"
import { until } from "../../shared/until.ts"

/** What the cluster knew of a job that is submitted; nothing where it is new. */
type Found = (submission: Submission) => { readonly state?: State; readonly inputReference?: string | null }

/** A program whose tasks are submitted, and what is submitted of them. */
const make = Effect.fnUntraced(function*(found: Found = () => ({})) {
  const submissions: Array<Submission> = []
  /** How many of them went together. */
  const together: Array<number> = []
  const table = {
    submit: (some: ReadonlyArray<Submission>) =>
      Effect.sync(() => {
        submissions.push(...some)
        together.push(some.length)
        return some.map((submission) => ({
          ...submission,
          submission: 1,
          state: "waiting",
          inputReference: submission.inputReference ?? null,
          replaced: null,
          ...found(submission)
        }))
      }),
    announce: Effect.void
  }
  const tasks: RemoteTasks = new RemoteTasks(() => Infinity, (task) => submitter.offer(task))
  const submitter = yield* Submitter.make({
    client: "here",
    retryFailed: false,
    tasks,
    collector: {} as never,
    canceller: {} as never
  }).pipe(Effect.provideService(JobTable, table as never))
  const submit = Effect.fnUntraced(function*(some: ReadonlyArray<RemoteTask>) {
    yield* Effect.forkScoped(submitter.run)
    yield* until(() => some.every(({ state }) => state === "sent"))
    yield* submitter.pause
  })
  return { tasks, submissions, together, submit }
})

const provideStore = Effect.provide(ResultStore.layerFolder("none"))

describe("Submitter.run", () => {
  it.live("takes a job that runs, or that another task wants, for one that may have begun before", () =>
    Effect.gen(function*() {
      const { submit, tasks } = yield* make(({ id }) => ({ state: id === "runs" ? "running" : "waiting" }))
      const all = ["runs", "new", "new"].map((name) => accept(tasks, name).task)
      yield* submit(all)
      assert.deepStrictEqual(all.map(({ isJoined }) => isJoined), [true, false, true])
    }).pipe(provideStore))

  it.live("has a chunk end with its first failure, unless others may ask for it by its key", () =>
    Effect.gen(function*() {
      const { submissions, submit, tasks } = yield* make()
      const all = [false, true].flatMap((isKeyed) =>
        [false, true].map((untilFailure) => accept(tasks, `${isKeyed} ${untilFailure}`, { isKeyed, untilFailure }).task)
      )
      yield* submit(all)
      const sent = submissions.map(({ options }) => (JSON.parse(options) as { untilFailure: boolean }).untilFailure)
      assert.deepStrictEqual(sent, [false, true, false, false])
    }).pipe(provideStore))

  it.live("submits so many at a time, and bytes of their inputs, as a message to the server takes", () =>
    Effect.gen(function*() {
      const { submit, tasks, together } = yield* make()
      const large = { job: echo, inputs: [new Uint8Array(900_000)] }
      yield* submit([
        ...Array.from({ length: 401 }, (_, n) => accept(tasks, `small ${n}`).task),
        ...Array.from({ length: 9 }, (_, n) => accept(tasks, `large ${n}`, large).task)
      ])
      assert.deepStrictEqual(together, [200, 200, 1 + 8, 1])
    }).pipe(provideStore))

  it.live("ends the tasks of jobs that cannot be submitted, and goes on", () =>
    Effect.gen(function*() {
      const { submit, tasks } = yield* make(({ id }) => {
        if (id === "odd") throw new Error("odd")
        return {}
      })
      const odd = accept(tasks, "odd")
      yield* Effect.forkScoped(submit([odd.task]))
      yield* until(() => odd.exits.length > 0)
      assert.deepStrictEqual(odd.exits, [Exit.die(new Error("odd"))])
      yield* submit([accept(tasks, "job").task])
    }).pipe(provideStore))

  it.live("submits a job for who still wants it, where others have ended while the input of one was stored", () =>
    Effect.gen(function*() {
      const { submissions, submit, tasks } = yield* make()
      const large = accept(tasks, "large", { job: echo, inputs: [new Uint8Array(2_000_000)] }).task
      const [first, second, alone] = ["shared", "shared", "alone"].map((name) => accept(tasks, name).task)
      const write = () =>
        Effect.sync(() => {
          tasks.endAll([first!, alone!], Exit.interrupt())
          return { store: "", id: "", bytes: 0, hash: 0 }
        })
      yield* Effect.provideService(submit([large, second!]), ResultStore.ResultStore, { write } as never)
      assert.deepStrictEqual(submissions.map(({ id }) => id), ["large", "shared"])
      assert.deepStrictEqual(submissions[1]!.input, Buffer.concat(second!.pieces))
    }))

  it.live("removes the input that it has stored of a job which was there with its own, and no other", () =>
    Effect.gen(function*() {
      const folder = yield* makeNotes
      yield* Effect.gen(function*() {
        const { submissions, submit, tasks } = yield* make(({ id }) => id === "there" ? { inputReference: null } : {})
        const all = ["there", "new"].map((name) => {
          return accept(tasks, name, { job: echo, inputs: [new Uint8Array(2_000_000)] }).task
        })
        yield* submit(all)
        const stored = submissions.map(({ inputReference }) => (JSON.parse(inputReference!) as { id: string }).id)
        assert.deepStrictEqual(fs.readdirSync(folder), stored.slice(1))
        assert.deepStrictEqual(all.map(({ inputReference }) => inputReference), [null, submissions[1]!.inputReference])
      }).pipe(Effect.provide(ResultStore.layerFolder(folder)))
    }))
})
