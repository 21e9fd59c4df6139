/** The jobs that compute the sines of the experiment, by what `--kernel` calls them. */
import { Effect } from "effect"
import { sin } from "../../lib/jobs/sin.ts"
import { maxCount, sinSimd } from "../../lib/jobs/sinSimd.ts"
import { UsageError } from "./main.ts"

export type Sin = typeof sin

export const kernels = { math: sin, simd: sinSimd }

/** Fails where the kernel cannot compute so many sines. */
export const checkCount = ({ count, kernel }: { readonly count: number; readonly kernel: keyof typeof kernels }) =>
  kernel === "simd" && count > maxCount
    ? Effect.fail(new UsageError(`--count ${count} is too much for --kernel simd: expected at most ${maxCount}`))
    : Effect.void
