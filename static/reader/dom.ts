/** Elements from parts. Text is only ever text: there is no other way in here. */

type Part = Node | string | null | undefined | false;

export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...parts: readonly Part[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  for (const part of parts) if (part !== null && part !== undefined && part !== false && part !== "") element.append(part);
  return element;
}

/** A link out, which tells nobody where it was. */
export function link(href: string, text: string, attributes: Readonly<Record<string, string>> = {}): HTMLAnchorElement {
  return el("a", { href, rel: "noopener noreferrer", ...attributes }, text);
}
