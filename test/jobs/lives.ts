/**
 * Jobs that tell of the life of their worker. Where its notes are it learns from its environment, for a setup has no
 * input.
 */
import fs from "node:fs"
import { setTimeout } from "node:timers/promises"
import { threadId } from "node:worker_threads"
import * as Job from "../../lib/Job.ts"
import * as Notes from "./notes.ts"

const notes = () => process.env["NOTES"]!

/** Whether a worker was set up, and how often. */
let setups = 0

/** Notes when its worker is up and when it goes. Takes a while, and a second try is no better. */
export const setup = Job.make(import.meta, "setup", async (_: void, { workerId }) => {
  await setTimeout(5)
  setups++
  Notes.write(notes(), `up ${workerId}`)
  process.on("exit", () => Notes.write(notes(), `gone ${workerId}`))
})

/** Fails as long as there is a file named "broken" among the notes. */
export const setupUnlessBroken = Job.make(import.meta, "setupUnlessBroken", () => {
  Notes.write(notes(), "start")
  if (fs.existsSync(`${notes()}/broken`)) throw new Error("no licence for this machine")
  Notes.write(notes(), "up")
})

/** Ends its worker. */
export const setupExits = Job.make(import.meta, "setupExits", (): void => {
  process.exit(5)
})

export const setupNeverEnds = Job.make(import.meta, "setupNeverEnds", () => new Promise<never>(() => {}))

/** How often its worker was set up when the job ran. */
export const countSetups = Job.make(import.meta, "countSetups", () => setups)

/** Which worker, thread and process it runs on. */
export const where = Job.make(import.meta, "where", (_: unknown, { workerId }) => ({
  workerId,
  threadId,
  pid: process.pid
}))

/** Keeps its worker busy for `ms` by its own clock. */
export const work = Job.make(import.meta, "work", (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
})
