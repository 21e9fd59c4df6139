export const noop: (input: unknown) => void
export const busy: () => never
export const block: () => void
export const spin: (ms: number) => void
export const echo: <A>(value: A) => A
export const pass: <A extends Float64Array<ArrayBuffer>>(array: A) => A
export const fill: (length: number) => Float64Array<ArrayBuffer>
export const sines: (length: number) => Float64Array<ArrayBuffer>
