import { button, h } from "./dom";
import { fieldValue } from "./fields";
import type { Grid } from "./grid";
import { blank } from "./store";
import { text } from "./values";

const HEIGHT = 136;
const GAP = 8;
/** Fields of a card besides its title. */
const FIELDS = 4;

interface Card { readonly element: HTMLElement; line: number }

/** Narrow screens: the same rows as cards, the record panel as their editor. */
export class Cards {
  readonly element = h("div", { class: "g-cards", role: "list", "aria-label": "Investors" });
  readonly #space = h("div", { class: "g-cards-space", role: "presentation" });
  #cards: Card[] = [];
  #frame = 0;

  constructor(readonly grid: Grid) {
    this.element.append(this.#space);
    this.element.addEventListener("scroll", () => {
      this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.draw(false); });
    }, { passive: true });
    new ResizeObserver(() => this.draw(true)).observe(this.element);
    grid.follow.add(() => this.draw(true));
    this.element.addEventListener("click", (event) => this.#click(event));
  }

  draw(all: boolean): void {
    if (this.element.clientHeight === 0) return;
    const { table } = this.grid;
    const lines = table.lines.length;
    const step = HEIGHT + GAP;
    this.#space.style.height = `${lines * step + 72}px`;
    const wanted = Math.min(lines, Math.ceil(this.element.clientHeight / step) + 4);
    const first = Math.max(0, Math.min(lines - wanted, Math.floor(this.element.scrollTop / step) - 2));
    if (this.#cards.length !== wanted) {
      for (const card of this.#cards) card.element.remove();
      this.#cards = Array.from({ length: wanted }, () => ({ element: h("div", { class: "g-card", role: "listitem" }), line: -1 }));
      this.#space.append(...this.#cards.map((card) => card.element));
      all = true;
    }
    for (let line = first; line < first + wanted; line++) {
      const card = this.#cards[line % wanted];
      if (!card || (card.line === line && !all)) continue;
      card.line = line;
      card.element.style.top = `${line * step}px`;
      this.#fill(card.element, line);
    }
  }

  #fill(card: HTMLElement, line: number): void {
    const { table, store } = this.grid;
    const group = table.group(line);
    card.dataset["line"] = String(line);
    card.setAttribute("aria-setsize", String(table.lines.length));
    card.setAttribute("aria-posinset", String(line + 1));
    if (group >= 0) {
      const it = table.groups[group];
      card.className = "g-card is-group";
      card.replaceChildren(button(`${table.isCollapsed(group) ? "▸" : "▾"} ${it?.label || "(empty)"} · ${it?.count ?? 0}`, () => {
        table.toggle(group);
        this.grid.view.refresh();
        this.draw(true);
      }, "link-button"));
      return;
    }
    const slot = table.slot(line);
    const [title, ...rest] = table.columns.map((it) => it.column);
    const name = (title && text(title, store.value(slot, title.id), store)) || "Unnamed";
    const picked = table.picked.has(slot);
    const color = table.colors[slot];
    card.className = `g-card${picked ? " is-picked" : ""}${color ? ` row-${color}` : ""}${table.left.has(slot) ? " is-left" : ""}`;
    const filled = rest.filter((column) => !blank(store.value(slot, column.id))).slice(0, FIELDS);
    const tick = h("input", { type: "checkbox", "aria-label": `Tick ${name}`, checked: picked });
    card.replaceChildren(
      h("div", { class: "g-card-head" }, tick, h("button", { type: "button", class: "g-card-name clip", "data-open": true }, name)),
      h("dl", {}, ...filled.flatMap((column) => [h("dt", { class: "clip" }, column.name), h("dd", {}, ...fieldValue(column, store.value(slot, column.id), store, false))])));
  }

  #click(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const line = Number(target.closest<HTMLElement>(".g-card")?.dataset["line"] ?? -1);
    const slot = this.grid.table.slot(line);
    if (slot < 0 || target.closest("a")) return;
    if (target instanceof HTMLInputElement) {
      if (target.checked) this.grid.table.picked.add(slot);
      else this.grid.table.picked.delete(slot);
      target.closest(".g-card")?.classList.toggle("is-picked", target.checked);
      for (const follower of this.grid.follow) follower();
    } else {
      this.grid.selection.place(line, 0);
      this.grid.expand(slot);
    }
  }
}
