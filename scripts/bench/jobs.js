// What every subject's workers run; in JavaScript, which each of them loads alike and fastest.

/** Nothing. */
export const noop = () => {}
