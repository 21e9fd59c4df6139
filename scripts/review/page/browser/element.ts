/** An element with attributes and children; what is text stays text. */
export const element = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string> = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[Tag] => {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

export interface Content {
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

/** Puts a table at the end of a section, into a region that scrolls; one that is there stays where it was scrolled to. */
export const tabulate = (section: HTMLElement, caption: string, { head, rows }: Content): void => {
  const region = section.querySelector(".table") ??
    section.appendChild(element("div", { class: "table", role: "region", "aria-label": caption, tabindex: "0" }))
  const body = element("tbody")
  for (const [first = "", ...others] of rows) {
    const cells = others.map((cell) => element("td", {}, cell))
    body.append(element("tr", {}, element("th", { scope: "row" }, first), ...cells))
  }
  const heads = head.map((name) => element("th", { scope: "col" }, name))
  region.replaceChildren(
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...heads)),
      body
    )
  )
}
