/**
 * Goes on with the fiber that `resume` is of. What that throws, as an observer of the fiber can, is thrown in a turn of its
 * own: it would end what is done for others here.
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
