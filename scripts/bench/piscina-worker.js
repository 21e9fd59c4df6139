// The worker of piscina, which calls what a module exports; in JavaScript, which loads fastest.
export const busy = () => {
  for (;;);
}

export const noop = () => {}
