// What the workers of all subjects run; in JavaScript, which each of them loads alike and fastest.

/** Does nothing. */
export const noop = () => {}

/** Never ends. */
export const busy = () => {
  for (;;);
}

/** Never ends, and lets its core rest. */
export const block = () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** Keeps its core busy for `ms`. */
export const spin = (ms) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Returns what it is given. */
export const echo = (value) => value

/** Returns the array that it is given; to be moved, not copied, where that can be. */
export const pass = (array) => array

/** An array with a value in every place. */
export const fill = (length) => new Float64Array(length).fill(length)

/** The sines of the known experiment. */
export const sines = (length) => {
  const values = new Float64Array(length)
  for (let i = 0; i < length; i++) values[i] = Math.sin(i)
  return values
}
