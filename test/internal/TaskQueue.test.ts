import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { TaskQueue, type Waiting } from "../../lib/internal/TaskQueue.ts"

interface Task extends Waiting<Task> {}

const task = (id: number, priority: number): Task => ({
  id,
  priority,
  isQueued: false,
  previous: undefined,
  next: undefined
})

/** What is done with a queue: a task comes with a priority, or one of those that are in it or were is picked. */
const action = fc.oneof(
  fc.record({ does: fc.constant("push"), n: fc.nat({ max: 4 }) }),
  fc.record({ does: fc.constantFrom("shift", "unshift", "remove"), n: fc.nat() })
)

/** Whose turn it is, of tasks of which each stands behind the others of its priority. */
const nextOf = (waiting: ReadonlyArray<Task>, turn: number) => {
  const firsts = waiting.filter((task) => waiting.find(({ priority }) => priority === task.priority) === task)
  return firsts.toSorted((a, b) => turn % 4 === 0 ? a.id - b.id : b.priority - a.priority)[0]
}

describe("a queue of tasks", () => {
  it("gives the highest priority, each fourth time the oldest, and nothing that was taken out", () => {
    const queue = new TaskQueue<Task>()
    const tasks = [1, 3, 2, 3, 2, 1, 3].map((priority, id) => task(id, priority))
    tasks.forEach((task) => queue.push(task))
    queue.remove(tasks[2]!)
    const [first, second] = [queue.shift()!, queue.shift()!]
    queue.unshift(second)
    assert.deepStrictEqual([first, second, ...queue.clear()].map(({ id }) => id), [1, 3, 3, 0, 6, 4, 5])
    assert.isUndefined(queue.next)
  })

  it("gives those whose turn it is, however they came in and whichever were taken out", () =>
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: "max" }), (actions) => {
        const queue = new TaskQueue<Task>()
        const tasks: Array<Task> = []
        const waiting: Array<Task> = []
        let turn = 1
        for (const { does, n } of actions) {
          const taken = tasks.filter((task) => !waiting.includes(task))
          if (does === "push") {
            const pushed = task(tasks.length, n)
            tasks.push(pushed)
            queue.push(pushed)
            waiting.push(pushed)
          } else if (does === "unshift" && taken.length > 0) {
            const again = taken[n % taken.length]!
            queue.unshift(again)
            waiting.unshift(again)
          } else if (does === "remove" && waiting.length > 0) {
            queue.remove(waiting.splice(n % waiting.length, 1)[0]!)
          } else if (does === "shift") {
            const next = nextOf(waiting, turn++)
            assert.strictEqual(queue.shift(), next)
            if (next !== undefined) waiting.splice(waiting.indexOf(next), 1)
          }
          assert.strictEqual(queue.next, nextOf(waiting, turn))
          assert.strictEqual(queue.size, waiting.length)
          assert.strictEqual(tasks.filter(({ isQueued }) => isQueued).length, waiting.length)
        }
      }),
      { numRuns: 500, seed: 1 }
    ))

  it("looks at few tasks for each that it gives, when each has a priority of its own", () => {
    const queue = new TaskQueue<Task>()
    const count = 10_000
    let looks = 0
    for (let id = 0; id < count; id++) {
      queue.push({
        ...task(id, id * 7919 % count),
        get id() {
          looks++
          return id
        }
      })
    }
    assert.strictEqual(queue.clear().length, count)
    assert.isBelow(looks / count, 100)
  })
})
