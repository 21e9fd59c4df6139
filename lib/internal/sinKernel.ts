/** The WebAssembly module that `lib/jobs/sinSimd.as.ts` is compiled to. Loads nothing of Effect. */
import { readFileSync } from "node:fs"

/** Computes the sines of 0, 1, 2, … radians, some at a time. */
export interface SinKernel {
  /** Makes sin 0 the first that `next` computes. */
  readonly restart: () => void
  /** Computes the next sines, as many as `sines` holds. */
  readonly next: () => void
  readonly sines: Float64Array<ArrayBuffer>
}

interface Exports extends Pick<SinKernel, "restart" | "next"> {
  readonly memory: { readonly buffer: ArrayBuffer }
  /** A place in `memory`. */
  readonly sines: { readonly value: number }
  readonly length: { readonly value: number }
}

/** As much of the global as is used here; Node's types declare it as no value. */
declare const WebAssembly: {
  readonly Module: new(code: Uint8Array) => object
  readonly Instance: new(module: object) => { readonly exports: unknown }
}

export const instantiate = (): SinKernel => {
  const module = new WebAssembly.Module(readFileSync(new URL("../jobs/sinSimd.wasm", import.meta.url)))
  const { length, memory, next, restart, sines } = new WebAssembly.Instance(module).exports as Exports
  return { restart, next, sines: new Float64Array(memory.buffer, sines.value, length.value) }
}
