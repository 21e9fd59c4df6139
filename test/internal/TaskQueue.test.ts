import { assert, describe, it } from "@effect/vitest"
import { TaskQueue, type Waiting } from "../../lib/internal/TaskQueue.ts"

interface Task extends Waiting<Task> {}

const task = (id: number, priority: number): Task => ({
  id,
  priority,
  isQueued: false,
  previous: undefined,
  next: undefined
})

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
