/**
 * Results that a worker's thread writes by itself, so that they never pass the thread that serves all workers. Loads
 * nothing of Effect.
 */
import fs from "node:fs"
import path from "node:path"
import { crc32 } from "node:zlib"
import { bytesIn } from "../buffers.ts"
import type { Outcome } from "../protocol.ts"
import * as wire from "./wire.ts"

/** A larger message goes by reference. */
export const maxInlineBytes = 1_000_000

/** The most bytes in a piece that is written or read: a core's own cache holds as much until it is used again. */
export const pieceBytes = 1024 * 1024

/** What was written: how much of it, and its CRC-32. */
export interface Written {
  readonly bytes: number
  readonly hash: number
}

/** Writes a result with large buffers to `file`. Others, and those that cannot be written, go the common way. */
export const stored = (outcome: Outcome, file: string): Outcome => {
  if (outcome._tag !== "Succeeded") return outcome
  const resultBytes = bytesIn(outcome.value)
  if (resultBytes <= maxInlineBytes) return outcome
  try {
    const writer = new wire.Writer()
    // As `values.addExit` adds it.
    writer.add(["value", outcome.value])
    return { _tag: "Stored", resultBytes, ...write(file, writer.pieces()) }
  } catch {
    return outcome
  }
}

const write = (file: string, pieces: Iterable<Uint8Array>): Written => {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const fd = fs.openSync(file, "w")
  try {
    let bytes = 0
    let hash = 0
    for (const piece of inParts(pieces)) {
      hash = crc32(piece, hash)
      for (let at = 0; at < piece.length;) at += fs.writeSync(fd, piece, at)
      bytes += piece.length
    }
    return { bytes, hash }
  } catch (error) {
    fs.rmSync(file)
    throw error
  } finally {
    fs.closeSync(fd)
  }
}

/** The same bytes in pieces of at most {@link pieceBytes}. */
export function* inParts(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += pieceBytes) yield piece.subarray(at, at + pieceBytes)
  }
}
