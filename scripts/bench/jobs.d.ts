export const noop: (input: unknown) => void
