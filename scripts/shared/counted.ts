/** So many of a thing, as one says it: "1 job", "2 jobs". */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`
