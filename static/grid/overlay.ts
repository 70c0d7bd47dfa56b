import { h } from "./dom";
import type { Box, Geometry } from "./geometry";
import type { Rect, Selection } from "./selection";
import type { Viewport } from "./viewport";
import type { Here } from "./wire";

function place(element: HTMLElement, box: Pick<Box, "x" | "y" | "w" | "h"> | null): void {
  const shown = !!box && box.w > 0 && box.h > 0;
  element.hidden = !shown;
  if (!shown) return;
  element.style.left = `${box.x}px`;
  element.style.top = `${box.y}px`;
  element.style.width = `${box.w}px`;
  element.style.height = `${box.h}px`;
}

/** Boxes above the cells: no cell changes when the selection does. */
export class Overlay {
  readonly handle = h("div", { class: "g-handle", hidden: true, title: "Drag to fill" });
  readonly #view: Viewport;
  readonly #selected = [h("div", { class: "g-selected", hidden: true }), h("div", { class: "g-selected", hidden: true })] as const;
  readonly #filling = [h("div", { class: "g-filling", hidden: true }), h("div", { class: "g-filling", hidden: true })] as const;
  readonly #active = h("div", { class: "g-active", hidden: true });
  readonly #note = h("div", { class: "g-note", hidden: true, role: "presentation" });
  readonly #people = new Map<string, HTMLElement>();

  constructor(view: Viewport) {
    this.#view = view;
    view.pane.append(this.#selected[0], this.#filling[0]);
    view.body.append(this.#selected[1], this.#filling[1], this.#note);
  }

  #span(pair: readonly [HTMLElement, HTMLElement], rect: Rect | null): void {
    const g: Geometry = this.#view.geometry;
    if (!rect) {
      for (const part of pair) part.hidden = true;
      return;
    }
    const y = rect.top * g.rowHeight;
    const height = (rect.bottom - rect.top + 1) * g.rowHeight;
    const piece = (from: number, to: number): Pick<Box, "x" | "y" | "w" | "h"> | null =>
      from > to ? null : { x: g.left(from), y, w: g.right(to) - g.left(from), h: height };
    place(pair[0], piece(rect.left, Math.min(rect.right, g.pinned - 1)));
    place(pair[1], piece(Math.max(rect.left, g.pinned), rect.right));
  }

  /** Moving an element where it already is would still be a change of the page. */
  #into(pinned: boolean, element: HTMLElement): void {
    const parent = pinned ? this.#view.pane : this.#view.body;
    if (element.parentElement !== parent) parent.append(element);
  }

  select(selection: Selection, isGroup: boolean, problem?: string): void {
    const g = this.#view.geometry;
    this.#span(this.#selected, selection.isSingle ? null : selection.rect);
    const { line, column } = selection.anchor;
    const box = g.box(line, column);
    this.#into(box.pinned, this.#active);
    place(this.#active, isGroup ? { ...box, x: 0, w: g.paneWidth } : { x: box.x, y: box.y, w: box.w, h: box.h });
    const rect = selection.rect;
    const corner = g.box(rect.bottom, rect.right);
    this.#into(corner.pinned, this.handle);
    place(this.handle, isGroup ? null : { x: corner.x + corner.w - 5, y: corner.y + corner.h - 5, w: 8, h: 8 });
    this.#note.textContent = problem ?? "";
    this.#note.hidden = !problem;
    if (problem) {
      this.#into(box.pinned, this.#note);
      this.#note.style.left = `${box.x}px`;
      this.#note.style.top = `${box.y + box.h + 3}px`;
    }
  }

  fill(rect: Rect | null): void {
    this.#span(this.#filling, rect);
  }

  /** Draws where others are; the boxes stay on the page and move. */
  people(all: readonly { readonly who: Here; readonly line: number; readonly column: number }[]): void {
    const seen = new Set<string>();
    for (const { who, line, column } of all) {
      seen.add(who.client);
      let mark = this.#people.get(who.client);
      if (!mark) {
        mark = h("div", { class: `g-person hue-${hue(who.user)}` }, h("span", { class: "g-person-name" }, who.name));
        this.#people.set(who.client, mark);
      }
      const box = this.#view.geometry.box(line, column);
      const parent = box.pinned ? this.#view.pane : this.#view.body;
      if (mark.parentElement !== parent) parent.append(mark);
      mark.classList.toggle("is-top", line === 0);
      place(mark, box);
    }
    for (const [client, mark] of this.#people) {
      if (seen.has(client)) continue;
      mark.remove();
      this.#people.delete(client);
    }
  }
}

/** Each person keeps one of six hues. */
export function hue(user: string): number {
  let sum = 0;
  for (const c of user) sum = (sum * 31 + c.charCodeAt(0)) % 6007;
  return sum % 6;
}
