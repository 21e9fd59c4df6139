import { setImmediate } from "node:timers/promises"
import v8 from "node:v8"
import vm from "node:vm"
import * as Job from "../../lib/Job.ts"

let earlier: WeakRef<object> | undefined

/** Remembers its input, weakly; without one, whether the one before was collected. */
export const inputIsCollected = Job.make(import.meta, "inputIsCollected", (input: object | undefined) => {
  if (input === undefined) return earlierIsCollected()
  earlier = new WeakRef(input)
  return false
})

/** Returns what it allocates, which it remembers weakly; of no length, whether the buffer before was collected. */
export const allocatedIsCollected = Job.make(import.meta, "allocatedIsCollected", (length: number, context) => {
  if (length === 0) return earlierIsCollected()
  const array = context.allocate(Uint8Array, length)
  earlier = new WeakRef(array.buffer)
  return array
})

const earlierIsCollected = async () => {
  v8.setFlagsFromString("--expose-gc")
  const gc: NodeJS.GCFunction = vm.runInNewContext("gc")
  for (let turn = 0; turn < 3; turn++) {
    await setImmediate()
    void gc({ type: "major", execution: "sync" })
  }
  return earlier?.deref() === undefined
}
