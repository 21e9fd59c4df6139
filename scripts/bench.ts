#!/usr/bin/env -S npx tsx
/**
 * Measures the executor against other pools at the same work, in turn within one run, each sample in a fresh process.
 *
 *     npm run bench -- --case noop --case latency --peer piscina --rounds 9
 */
import "./shared/require-node.js"
import { Console, Effect, Path, Schema, Semaphore, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Recorder, RunRecord } from "../lib/mod.ts"
import type { Case, Sizes, Subject } from "./bench/case.ts"
import { cases } from "./bench/cases.ts"
import { peerNames } from "./bench/pools.ts"
import * as figures from "./shared/bench-figures.ts"
import * as flags from "./shared/flags.ts"
import { main, report } from "./shared/main.ts"
import { begin, placeOf } from "./shared/place.ts"
import { memoryOf } from "./shared/processes.ts"
import * as progress from "./shared/progress.ts"
import { asShown } from "./shared/terminal.ts"

const caseNames = cases.map(({ name }) => name)

export const command = Command.make(
  "bench",
  {
    ...flags.sizes,
    ...flags.result,
    cases: Flag.Literals("case", caseNames).pipe(
      Flag.withDescription("Measure this case only; can be given several times"),
      Flag.atLeast(0)
    ),
    peers: Flag.Literals("peer", peerNames).pipe(
      Flag.withDescription("Measure this peer only; can be given several times"),
      Flag.atLeast(0)
    ),
    quick: flags.toggle(
      "quick",
      "Measure each case once, two cases at a time, with little work and one peer unless named: to see that it works"
    ),
    rounds: flags.count("rounds", 5, "How many samples of each subject")
  },
  (input) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const place = yield* placeOf("bench", input)
        const recorder = yield* Recorder.Recorder
        yield* recorder.check(place)

        const { json, quick, quiet } = input
        const rounds = quick ? 1 : input.rounds
        const sizes = sizesOf(input)
        const measured: Array<RunRecord.BenchCase> = []
        const chosen = yield* Effect.forEach(chosenOf(input), present)
        const headOf = yield* begin("bench", { ...sizes, rounds })
        // Without the holes of those that are being measured.
        const recordOf = (status: RunRecord.Status): RunRecord.BenchRecord => ({
          ...headOf(status),
          cases: measured.flat()
        })
        let { overwrite = false } = place
        const writing = Semaphore.makeUnsafe(1)
        const write = Effect.fnUntraced(
          function*(record: RunRecord.BenchRecord) {
            yield* recorder.write(record, { ...place, overwrite })
            overwrite = true
          },
          writing.withPermit,
          Effect.uninterruptible
        )

        const exit = yield* Effect.gen(function*() {
          const shown = yield* showProgress(chosen, rounds, quiet || json)
          const measureNext = Effect.fnUntraced(function*(each: Case, n: number) {
            const result = yield* measure(each, sizes, rounds, shown)
            shown.write(`${asShown(figures.show(result))}\n`)
            measured[n] = result
            // As it is to stand there if this is killed in the next case.
            yield* write(recordOf("killed"))
          })
          // Side by side where nobody measures.
          yield* Effect.forEach(chosen, measureNext, { concurrency: quick ? 2 : 1, discard: true })
        }).pipe(Effect.scoped, restore, Effect.exit)

        const record = recordOf(RunRecord.statusOf(exit))
        if (json) yield* Console.log(JSON.stringify(record, null, 2))
        yield* write(record).pipe(Effect.tapCause(report))
        return yield* exit
      })
    )
).pipe(Command.withDescription("Measure the executor against other pools at the same work"))

interface Chosen {
  readonly cases: ReadonlyArray<string>
  readonly peers: ReadonlyArray<string>
  readonly quick: boolean
}

/** The cases to measure, with the subjects that were chosen; the floor and ours always are. */
const chosenOf = ({ cases: names, peers, quick }: Chosen): ReadonlyArray<Case> =>
  cases
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .map((each) => {
      const firstPeer = each.subjects.find(({ role }) => role === "peer")
      const isChosen = (subject: Subject) =>
        peers.length > 0
          ? !peerNames.includes(subject.name) || peers.includes(subject.name)
          : !quick || subject.role !== "peer" || subject === firstPeer
      return { ...each, subjects: each.subjects.filter(isChosen) }
    })

/** With the subjects alone that this machine has. */
const present = (each: Case) =>
  Effect.map(Effect.filter(each.subjects, isPresent), (subjects): Case => ({ ...each, subjects }))

const isPresent = Effect.fnUntraced(function*({ name, needs }: Subject) {
  if (needs === undefined) return true
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const isThere = yield* spawner.string(ChildProcess.make(needs, ["--version"])).pipe(Effect.isSuccess)
  if (!isThere) yield* Console.error(`${name} is left out: there is no ${needs}`)
  return isThere
})

const sizesOf = ({ count, jobs, quick, workers }: Sizes): Sizes => ({
  jobs: quick ? Math.min(jobs, 6) : jobs,
  count: quick ? Math.min(count, 1_000_000) : count,
  workers,
  quick
})

interface Shown extends progress.Progress {
  /** From now on the memory shown is that of the process that takes a sample. */
  readonly follow: (pid: number) => void
}

const showProgress = Effect.fnUntraced(function*(chosen: ReadonlyArray<Case>, rounds: number, silent: boolean) {
  let pid: number | undefined
  const shown = yield* progress.make({
    total: chosen.reduce((sum, { subjects }) => sum + subjects.length * rounds, 0),
    unit: "samples",
    memory: () => pid === undefined ? undefined : memoryOf(pid),
    silent
  })
  return {
    ...shown,
    follow: (next: number) => {
      pid = next
    }
  }
})

/** In turn, A B C A B C …, so that what drifts on the machine falls on all alike. */
const measure = Effect.fnUntraced(function*(
  { description, name, subjects }: Case,
  sizes: Sizes,
  rounds: number,
  shown: Shown
) {
  const samples = subjects.map((): Array<RunRecord.BenchSample> => [])
  const takeSample = Effect.fnUntraced(function*(subject: Subject, n: number) {
    samples[n]!.push(yield* sample(name, subject, sizes, shown))
    shown.add(1)
  })
  for (let round = 0; round < rounds; round++) {
    yield* Effect.forEach(subjects, takeSample, { discard: true })
  }
  return {
    name,
    description,
    subjects: subjects.map(({ name, role }, n) => ({ name, role, samples: samples[n]! }))
  }
})

/** By Node alone, not by what runs this script, so that no subject's workers inherit a loader. */
const nodeFlags = ["--expose-gc", "--disable-warning=ExperimentalWarning"]

const sample = Effect.fnUntraced(function*(caseName: string, subject: Subject, sizes: Sizes, shown: Shown) {
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const script = path.join(import.meta.dirname, "bench", "sample.ts")
  const child = yield* spawner.spawn(
    ChildProcess.make(process.execPath, [...nodeFlags, script, caseName, subject.name, JSON.stringify(sizes)], {
      stderr: "inherit"
    })
  )
  shown.follow(child.pid)
  const printed = yield* child.stdout.pipe(Stream.decodeText(), Stream.mkString)
  return yield* Schema.decodeEffect(Schema.fromJsonString(RunRecord.BenchSample))(printed).pipe(
    Effect.mapError(() => new NoSample({ case: caseName, subject: subject.name }))
  )
}, Effect.scoped)

/** A subject ended without a sample; it has printed why. */
class NoSample extends Schema.TaggedError<NoSample>()("NoSample", { case: Schema.String, subject: Schema.String }) {
  override get message() {
    return `No sample of ${this.subject} in the case ${this.case}`
  }
}

if (import.meta.main) main(command)
