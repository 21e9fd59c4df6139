import { setImmediate } from "node:timers/promises"
import v8 from "node:v8"
import vm from "node:vm"
import * as Job from "../../lib/Job.ts"

let earlier: WeakRef<object> | undefined

/** Remembers its input, weakly; without one, whether the one before was collected. */
export const inputIsCollected = Job.make(import.meta, "inputIsCollected", async (input: object | undefined) => {
  if (input !== undefined) {
    earlier = new WeakRef(input)
    return false
  }
  v8.setFlagsFromString("--expose-gc")
  const gc: NodeJS.GCFunction = vm.runInNewContext("gc")
  for (let turn = 0; turn < 3; turn++) {
    await setImmediate()
    void gc({ type: "major", execution: "sync" })
  }
  return earlier?.deref() === undefined
})
