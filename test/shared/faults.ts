/** What can go wrong with a job, each with the error that its caller gets, and a scenario to show that nobody else does. */
import { Cause, Effect, Exit, Fiber, Scope } from "effect"
import assert from "node:assert/strict"
import fs from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { Executor, ExecutorError, Job } from "../../lib/mod.ts"
import * as faults from "../jobs/faults.ts"
import * as Notes from "../jobs/notes.ts"
import * as throws from "../jobs/throws.ts"
import * as values from "../jobs/values.ts"
import { type BackEnd, makeNotes } from "./backEnds.ts"
import { until } from "./until.ts"

export interface Fault {
  readonly name: string
  /** Runs the job until it has ended. */
  readonly strike: Effect.Effect<unknown, unknown, Executor.Executor | Scope.Scope>
  /** The tag of its error, or "Interrupted". */
  readonly tag: ExecutorError.ExecutorError["_tag"] | "Interrupted"
  /** What its message says. */
  readonly says: string
}

/** Takes a worker down, or keeps it busy. */
const common = (backEnd: BackEnd["name"]): Array<Fault> => {
  const uncaught = backEnd === "ThreadExecutor" ? "Error: too late" : "exited with code: 1: Error: too late"
  return [
    died("process.exit(0)", Executor.run(faults.exit, 0), "exited with code: 0"),
    died("process.exit(7)", Executor.run(faults.exit, 7), "exited with code: 7"),
    died("an error thrown in a timer", Executor.run(faults.throwInTimer, "too late"), uncaught),
    died("an error event that nobody listens to", Executor.run(faults.throwInEvent, "too late"), uncaught),
    died("an unhandled rejection", Executor.run(faults.rejectUnhandled, "too late"), uncaught),
    died("an exit while the result is cloned", Executor.run(faults.exitWhenCloned, 4), "exited with code: 4"),
    threw("a stack overflow", Executor.run(faults.overflowStack, undefined), "Maximum call stack size exceeded"),
    threw("undefined thrown", Executor.run(throws.throwing, "undefined"), "undefined"),
    threw("a frozen object thrown", Executor.run(throws.throwing, "frozen"), `{"code":7}`),
    threw("a function thrown", Executor.run(throws.throwing, "uncloneable"), `() => "a function"`),
    threw("an error with a cause thrown", Executor.run(throws.throwing, "error"), "wrong kind"),
    threw("an error with a cause rejected", Executor.run(throws.rejecting, "error"), "wrong kind"),
    {
      name: "a result that cannot be cloned",
      strike: Executor.run(values.functionBelowZero, -1),
      tag: "CloneError",
      says: "The result of job"
    },
    {
      name: "an input that cannot be cloned",
      strike: Executor.run(values.echo, () => {}),
      tag: "CloneError",
      says: "The input of job"
    },
    notFound("a module that does not exist", jobIn("no-such-file.ts"), "Cannot find module"),
    notFound("a module that does not parse", jobIn("does-not-parse.mjs", "export const = 3\n"), "SyntaxError"),
    notFound("a module with an enum", jobIn("has-an-enum.ts", "export enum Colour { Red }\n"), "enum is not supported"),
    notFound("a module that throws", jobIn("throws.mjs", `throw new Error("not today")\n`), "Error: not today"),
    notFound("a module without the job", jobIn("empty.mjs", ""), `makes no job named "lost"`),
    { name: "a busy loop, interrupted", strike: interrupt(faults.busy), tag: "Interrupted", says: "" },
    { name: "a Promise that never settles, interrupted", strike: interrupt(faults.deaf), tag: "Interrupted", says: "" },
    {
      name: "a busy loop past its deadline",
      strike: Effect.flatMap(
        makeNotes,
        (notes) => Executor.run(faults.busy, notes, { deadline: { running: "50 millis" } })
      ),
      tag: "DeadlineExceeded",
      says: "50 ms running"
    }
  ]
}

const ofProcesses: Array<Fault> = [
  died("SIGSEGV", Executor.run(faults.signalSelf, "SIGSEGV"), "killed by SIGSEGV"),
  died("SIGKILL", Executor.run(faults.signalSelf, "SIGKILL"), "killed by SIGKILL"),
  died("process.abort()", Executor.run(faults.abort, undefined), "killed by SIGABRT"),
  died("SIGKILL from outside", signal("SIGKILL", faults.busy, Fiber.join), "killed by SIGKILL"),
  {
    name: "SIGSTOP from outside, then interrupted",
    strike: signal("SIGSTOP", faults.deaf, (fiber) => Effect.andThen(Fiber.interrupt(fiber), Fiber.join(fiber))),
    tag: "Interrupted",
    says: ""
  },
  {
    name: "SIGSTOP from outside, until its deadline",
    strike: signal("SIGSTOP", faults.deaf, Fiber.join, { deadline: { total: "300 millis" } }),
    tag: "DeadlineExceeded",
    says: "300 ms total"
  }
]

export const faultsOf = (backEnd: BackEnd["name"]): ReadonlyArray<Fault> =>
  backEnd === "ThreadExecutor" ? common(backEnd) : [...common(backEnd), ...ofProcesses]

/** The heap is full: for executors with `resourceLimits`. */
export const heapFull = (backEnd: BackEnd["name"]) =>
  died("a full heap", Executor.run(faults.fillHeap, undefined), backEnd === "ThreadExecutor" ? "out of memory" : "")

/**
 * On an executor of three workers, two of them busy: the fault costs its job what it should, the next job finds a
 * worker, and the two end well, having run once.
 */
export const strikeBetween = Effect.fnUntraced(function*(fault: Fault) {
  const notes = yield* makeNotes
  const innocents = yield* Effect.forEach([3, 4], (n) => Executor.submit(faults.hold, { notes, n }))
  yield* until(() => Notes.lines(notes).length === 2)

  const exit = yield* Effect.exit(fault.strike)
  assert.equal(tagOf(exit), fault.tag, `${fault.name}: ${exit}`)
  if (fault.says !== "") {
    const message = messageOf(exit)
    assert.ok(message.includes(fault.says), `${fault.name}: ${message}`)
  }

  assert.equal(yield* Executor.run(values.square, 5), 25)
  assert.ok(innocents.every((fiber) => fiber.pollUnsafe() === undefined))
  Notes.openGate(notes)
  assert.deepEqual(yield* Effect.forEach(innocents, Fiber.join), [9, 16])
  assert.deepEqual(Notes.lines(notes).toSorted(), ["hold 3", "hold 4"])
  assert.ok((yield* Executor.stats).workers <= 3)
}, Effect.scoped)

export const tagOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "Succeeded"
  if (Exit.hasInterrupts(exit)) return "Interrupted"
  return (Cause.squash(exit.cause) as { readonly _tag: string })._tag
}

export const messageOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "" : (Cause.squash(exit.cause) as Error).message

function died(name: string, strike: Fault["strike"], says: string): Fault {
  return { name, strike, tag: "WorkerDied", says }
}

function threw(name: string, strike: Fault["strike"], says: string): Fault {
  return { name, strike, tag: "JobThrew", says }
}

function notFound(name: string, strike: Fault["strike"], says: string): Fault {
  return { name, strike, tag: "JobNotFound", says }
}

/** Runs a job of a module that is written first, if it has a source. */
function jobIn(file: string, source?: string): Fault["strike"] {
  return Effect.flatMap(makeNotes, (directory) => {
    const module = path.join(directory, file)
    if (source !== undefined) fs.writeFileSync(module, source)
    return Executor.run(Job.make({ url: pathToFileURL(module).href }, "lost", () => 1), undefined)
  })
}

/** Interrupts the job once it runs. */
function interrupt(job: Job.Job<Notes.Notes, unknown>): Fault["strike"] {
  return Effect.gen(function*() {
    const notes = yield* makeNotes
    const fiber = yield* Executor.submit(job, notes)
    yield* until(() => Notes.lines(notes).length === 1)
    yield* Fiber.interrupt(fiber)
    return yield* Fiber.join(fiber)
  })
}

/** Sends a signal to the process that runs the job. */
function signal(
  name: NodeJS.Signals,
  job: Job.Job<Notes.Notes, unknown>,
  then: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown, unknown>,
  options?: Executor.RunOptions
): Fault["strike"] {
  return Effect.gen(function*() {
    const notes = yield* makeNotes
    const fiber = yield* Executor.submit(job, notes, options)
    yield* until(() => Notes.lines(notes).length === 1)
    process.kill(Number(Notes.lines(notes)[0]), name)
    return yield* then(fiber)
  })
}
