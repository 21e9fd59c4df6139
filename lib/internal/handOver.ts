/**
 * Hands `value` to somebody else's `listener`, such as one that resumes a fiber, which tells the fiber's observers. What it
 * throws is thrown again in a microtask: here it would cut off what is done for others.
 */
export const handOver = <A>(listener: (value: A) => void, value: A): void => {
  try {
    listener(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
