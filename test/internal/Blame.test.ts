import { assert, describe, it } from "@effect/vitest"
import * as Blame from "../../lib/internal/Blame.ts"
import type { Unread } from "../../lib/internal/protocol.ts"

type Task = Blame.Held["item"]["task"]

const held = (progress: Blame.Progress, task: Partial<Task> = {}, isAccused = false): Blame.Held => ({
  item: { isAccused, task: { canWaitAnywhere: true, isSuspect: false, transfer: [], ...task } },
  progress
})

const suspect = { isSuspect: true, canWaitAnywhere: false }
const observed = { canWaitAnywhere: false }
const moved = { transfer: [new ArrayBuffer(1)], canWaitAnywhere: false }

const unread = (side: Unread["side"]): Unread => ({ _tag: "Unread", side, reason: "it is too deep" })

const cases: ReadonlyArray<
  readonly [name: string, held: ReadonlyArray<Blame.Held>, ReadonlyArray<Blame.Verdict>, unread?: Unread]
> = [
  ["nobody where there was nothing", [], []],

  ["one alone that was begun", [held("begun")], ["guilty"]],
  ["one alone that was replied to", [held("replied")], ["guilty"]],
  ["one alone that is perhaps begun", [held("unknown")], ["guilty"]],
  ["one alone that moved", [held("sent", moved)], ["guilty"]],
  ["one alone that was not begun, the third time: first", [held("sent")], ["suspect"]],
  ["one alone that was not begun, the third time: then", [held("sent", suspect)], ["accused"]],
  ["one alone that was not begun, the third time: last", [held("sent", suspect, true)], ["guilty"]],
  ["nobody for what kept a worker from one alone", [held("heldUp", suspect, true)], ["innocent"]],
  ["one alone that moved to a worker that was kept from it", [held("heldUp", moved)], ["guilty"]],
  ["none for what it was accused of when others of its task were suspect", [held("sent", {}, true)], ["suspect"]],

  ["the last of several that was begun", [held("begun"), held("begun"), held("sent")], [
    "innocent",
    "guilty",
    "innocent"
  ]],
  ["the last that was not replied to", [held("begun"), held("replied"), held("sent")], [
    "guilty",
    "innocent",
    "innocent"
  ]],
  ["each of several perhaps, where nothing was begun", [held("sent"), held("sent")], ["suspect", "suspect"]],
  ["each of several perhaps, where all was replied to", [held("replied"), held("sent")], ["suspect", "suspect"]],
  ["each of several perhaps, where nothing tells", [held("unknown"), held("unknown")], ["suspect", "suspect"]],
  ["none of several that a worker was kept from", [held("heldUp"), held("heldUp", moved), held("heldUp")], [
    "innocent",
    "guilty",
    "innocent"
  ]],
  ["none of several for being suspect", [held("begun"), held("sent", suspect, true)], ["guilty", "innocent"]],
  ["what moved beside another", [held("begun"), held("sent", moved)], ["guilty", "guilty"]],

  ["the result of one alone", [held("replied")], ["unread"], unread("result")],
  ["the result of one alone that is perhaps begun", [held("unknown")], ["unread"], unread("result")],
  ["no result of what was not begun", [held("sent")], ["suspect"], unread("result")],
  ["the input of one alone that had a message of its own", [held("sent", observed)], ["unread"], unread("input")],
  ["the input of one alone that is suspect", [held("sent", suspect)], ["unread"], unread("input")],
  ["the input of one alone that is perhaps begun", [held("unknown")], ["unread"], unread("input")],
  ["perhaps an input that may have come with others", [held("sent")], ["suspect"], unread("input")],
  ["one that was begun, for another's input", [held("begun")], ["guilty"], unread("input")],
  ["each of several perhaps for an input", [held("begun"), held("sent")], ["guilty", "suspect"], unread("input")],
  ["each of several perhaps for a result", [held("replied"), held("replied")], ["suspect", "suspect"], unread("result")]
]

describe("Blame.verdicts()", () => {
  for (const [name, held, verdicts, unread] of cases) {
    it(`blames ${name}`, () => assert.deepStrictEqual(Blame.verdicts(held, unread), verdicts))
  }
})
