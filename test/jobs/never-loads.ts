/** A module that is never done loading. */
export const never = await new Promise(() => {})
