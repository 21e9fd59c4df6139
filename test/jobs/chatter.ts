/** Jobs with side effects on their thread. */
import { parentPort } from "node:worker_threads"
import * as Job from "../../lib/Job.ts"

/** Sends messages of its own, of whatever shape. */
export const postMessage = Job.make(import.meta, "postMessage", (message: unknown) => {
  if (parentPort === null) process.send!(message)
  else parentPort.postMessage(message)
  return "posted"
})

/** Prints lines, numbered from 1. */
export const print = Job.make(import.meta, "print", (lines: number): void => {
  for (let line = 1; line <= lines; line++) console.log(`line ${line}`)
})

/** Does what it can not to hear of its executor again. */
export const cutOff = Job.make(import.meta, "cutOff", () => {
  for (const event of ["message", "disconnect", "SIGINT"]) {
    for (const listener of process.listeners(event)) process.off(event, listener)
  }
  process.removeAllListeners()
  parentPort?.removeAllListeners()
  parentPort?.close()
  parentPort?.unref()
  process.channel?.unref()
  // As fake timers do.
  Object.assign(globalThis, { setImmediate: () => {} })
  return "cut off"
})

/** Stops the clock of its thread, as fake timers do. */
export const stopClock = Job.make(import.meta, "stopClock", (): void => {
  performance.now = () => 0
})

/** Leaves a timer behind that keeps its thread or process up. */
export const ticks = Job.make(import.meta, "ticks", (): void => {
  setInterval(() => {}, 1000)
})

/** Removes all listeners of messages, its own among them; returns how many there are then. */
export const removeAll = Job.make(import.meta, "removeAll", () => {
  const port = parentPort ?? process
  port.on("message", () => {})
  port.removeAllListeners("message")
  return port.listenerCount("message")
})

/** Removes the listeners of its process's messages one by one. */
export const removeEach = Job.make(import.meta, "removeEach", (remove: "off" | "removeListener"): void => {
  for (const listener of process.listeners("message")) process[remove]("message", listener)
})
