import { h, iconButton, later } from "../dom";
import type { Grid } from "../grid";
import { text } from "../values";

/** Ctrl+F: looks in what the view shows, and walks from find to find. */
export class Find {
  readonly element = h("div", { class: "g-find", role: "search", hidden: true });
  readonly #input = h("input", { class: "input", type: "search", "aria-label": "Find in the grid", placeholder: "Find in this view" });
  readonly #count = h("span", { class: "muted small", role: "status" });
  #found: { line: number; column: number }[] = [];
  #at = -1;

  constructor(readonly grid: Grid) {
    this.element.append(this.#input, this.#count,
      iconButton("chevron", "Previous", () => this.step(-1)), iconButton("chevron", "Next", () => this.step(1)), iconButton("x", "Close", () => this.close()));
    const buttons = this.element.querySelectorAll(".icon-button");
    buttons[0]?.classList.add("is-up");
    buttons[1]?.classList.add("is-down");
    this.#input.addEventListener("input", later(() => this.#search(), 120));
    this.element.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.close();
      else if (event.key === "Enter") {
        // Enter may come before the pause after typing is over.
        if (this.#at < 0) this.#search();
        else this.step(event.shiftKey ? -1 : 1);
      } else return;
      event.preventDefault();
    });
  }

  open(): void {
    this.element.hidden = false;
    this.#input.focus();
    this.#input.select();
  }

  close(): void {
    this.element.hidden = true;
    this.grid.focus();
  }

  #search(): void {
    const wanted = this.#input.value.trim().toLowerCase();
    const { table, store } = this.grid;
    this.#found = [];
    this.#at = -1;
    if (wanted) {
      // A dictionary's text is made once: most columns repeat a few values.
      const known = new Map<unknown, boolean>();
      for (const [index, { column }] of table.columns.entries()) {
        known.clear();
        for (let line = 0; line < table.lines.length; line++) {
          const slot = table.slot(line);
          if (slot < 0) continue;
          const value = store.value(slot, column.id);
          if (value === null) continue;
          let hit = known.get(value);
          if (hit === undefined) {
            hit = text(column, value, store).toLowerCase().includes(wanted);
            known.set(value, hit);
          }
          if (hit) this.#found.push({ line, column: index });
        }
      }
      this.#found.sort((a, b) => a.line - b.line || a.column - b.column);
    }
    this.step(1);
  }

  step(by: 1 | -1): void {
    const n = this.#found.length;
    const typed = this.#input.value.trim() !== "";
    this.#at = n === 0 ? -1 : (this.#at + by + n) % n;
    this.#count.textContent = n > 0 ? `${this.#at + 1} of ${n}` : typed ? "Nothing found" : "";
    const hit = this.#found[this.#at];
    if (hit) this.grid.move(hit.line, hit.column);
  }
}
