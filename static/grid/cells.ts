import { isEditable, isNumeric, pills, shownAs, text, type Names, type Pill } from "./values";
import type { Column, Value } from "./wire";

/** Pills in a cell beyond this many would not be seen. */
const MOST_PILLS = 8;

/** A cell keeps one text node and its pills for good; they are filled anew. */
export function emptyCell(element: HTMLElement): HTMLElement {
  element.append("");
  return element;
}

function setText(element: HTMLElement, to: string): void {
  const node = element.firstChild as Text;
  if (node.data !== to) node.data = to;
}

function setPills(element: HTMLElement, shown: readonly Pill[]): void {
  const count = Math.min(shown.length, MOST_PILLS);
  for (let i = 0; i < count; i++) {
    const pill = shown[i];
    let node = element.childNodes[i + 1] as HTMLElement | undefined;
    if (!node) {
      node = document.createElement("span");
      node.append("");
      element.append(node);
    }
    const kind = pillClass(pill?.color ?? "gray");
    if (node.className !== kind) node.className = kind;
    if (node.hidden) node.hidden = false;
    setText(node, pill?.text ?? "");
  }
  for (let i = count + 1; i < element.childNodes.length; i++) {
    const node = element.childNodes[i] as HTMLElement;
    if (!node.hidden) node.hidden = true;
  }
}

export function pillClass(color: string): string {
  if (color === "contact" || color === "person" || color === "fund") return `pill ${color}`;
  return `pill c-${color}`;
}

/** Plain text in a cell, for group heads and gutters. */
export function putText(element: HTMLElement, to: string): void {
  setText(element, to);
  setPills(element, []);
}

export function putValue(element: HTMLElement, column: Column, value: Value, names: Names): void {
  const shown = pills(column, value, names);
  setText(element, shown ? "" : text(column, value, names));
  setPills(element, shown ?? []);
}

/** The class a column's cells have, whatever their value. */
export function cellClass(column: Column): string {
  let name = "g-c";
  if (isNumeric(column)) name += " num";
  const type = shownAs(column);
  if (type === "checkbox" || type === "rating") name += ` ${type}`;
  if (type === "email" || type === "url" || type === "phone") name += " link";
  if (!isEditable(column)) name += " fixed";
  return name;
}
