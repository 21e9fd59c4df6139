/**
 * Resumes a fiber with `effect`. What an observer of the fiber throws is thrown again in a microtask: here it would cut off
 * what is done for other fibers.
 */
export const goOn = <Effect>(resume: (effect: Effect) => void, effect: Effect): void => {
  try {
    resume(effect)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
