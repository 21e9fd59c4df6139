/**
 * A directory that a test shares with its jobs, where they share no memory: the jobs note there what they do, and wait
 * there until the test lets them go on.
 */
import fs from "node:fs"
import path from "node:path"
import { setTimeout } from "node:timers/promises"

export type Notes = string

/** Notes a line; lines of several workers never mix. */
export const write = (notes: Notes, line: string): void => fs.appendFileSync(path.join(notes, "lines"), `${line}\n`)

/** What was noted, in order. */
export const lines = (notes: Notes): Array<string> => {
  const file = path.join(notes, "lines")
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").slice(0, -1) : []
}

export const openGate = (notes: Notes): void => fs.writeFileSync(path.join(notes, "gate"), "")

export const isGateOpen = (notes: Notes): boolean => fs.existsSync(path.join(notes, "gate"))

/** Returns when the test has opened the gate. */
export const atGate = async (notes: Notes): Promise<void> => {
  while (!isGateOpen(notes)) await setTimeout(2)
}
