import { button, h, iconButton } from "../dom";
import { fieldValue } from "../fields";
import type { Grid } from "../grid";
import { isEditable, shownAs, text } from "../values";
import type { ChangeSet, Column, Value } from "../wire";

/** The record panel: every field of one row, editable, with its history. */
export class Panel {
  readonly element = h("aside", { class: "g-panel", hidden: true, "aria-label": "Record" });
  readonly #title = h("h2", { class: "clip" });
  readonly #link = h("a", { class: "button button-small" }, "Open page");
  readonly #fields = h("dl", { class: "g-fields" });
  readonly #history = h("div", { class: "g-history" });
  #row: string | null = null;
  #back: Element | null = null;

  constructor(readonly grid: Grid) {
    const tools = h("div", { class: "g-panel-head" },
      this.#title,
      iconButton("chevron", "Previous record", () => this.step(-1)),
      iconButton("chevron", "Next record", () => this.step(1)),
      this.#link,
      iconButton("x", "Close", () => this.close()));
    tools.querySelectorAll(".icon-button")[0]?.classList.add("is-up");
    tools.querySelectorAll(".icon-button")[1]?.classList.add("is-down");
    this.element.append(tools, h("div", { class: "g-panel-body" }, this.#fields, this.#history));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    grid.root.querySelector(".g-main")?.append(this.element);
    grid.follow.add(() => { if (this.isOpen && !grid.editors.isOpen) this.#draw(); });
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  open(slot: number): void {
    const row = this.grid.store.id(slot);
    if (!row) return;
    this.#back ??= document.activeElement;
    this.#row = row;
    this.element.hidden = false;
    this.grid.root.classList.add("has-panel");
    this.#draw();
    void this.grid.whole(slot).then(() => this.#draw());
    void this.#loadHistory(row);
    this.element.querySelector<HTMLElement>(".g-field button")?.focus({ preventScroll: true });
  }

  close(): void {
    this.grid.editors.flush();
    this.element.hidden = true;
    this.grid.root.classList.remove("has-panel");
    if (this.#back instanceof HTMLElement && this.#back.isConnected) this.#back.focus({ preventScroll: true });
    else this.grid.focus();
    this.#back = null;
  }

  step(by: 1 | -1): void {
    const { grid } = this;
    grid.editors.flush();
    let line = grid.table.line(grid.store.slot(this.#row ?? "") ?? -1) + by;
    while (grid.table.group(line) >= 0) line += by;
    const slot = grid.table.slot(line);
    if (slot < 0) return;
    grid.move(line, grid.selection.anchor.column);
    this.open(slot);
  }

  #key(event: KeyboardEvent): void {
    if (this.grid.editors.isOpen || event.defaultPrevented) return;
    if (event.key === "Escape") this.close();
    else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) this.step(event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  get #slot(): number {
    return this.grid.store.slot(this.#row ?? "") ?? -1;
  }

  #draw(): void {
    const { store, config } = this.grid;
    const slot = this.#slot;
    if (slot < 0) return;
    const shown = config.shown(store.columns).map((it) => it.column);
    const rest = store.columns.filter((column) => !shown.includes(column));
    const title = store.title;
    this.#title.textContent = (title && text(title, store.value(slot, title.id), store)) || "Unnamed";
    this.element.setAttribute("aria-label", `Record ${this.#title.textContent}`);
    this.#link.setAttribute("href", `/investors/${encodeURIComponent(this.#row ?? "")}`);
    const active = (document.activeElement as HTMLElement | null)?.dataset["field"];
    this.#fields.replaceChildren(...[...shown, ...rest].flatMap((column) => this.#field(slot, column)));
    if (active) this.#fields.querySelector<HTMLElement>(`[data-field="${CSS.escape(active)}"]`)?.focus({ preventScroll: true });
  }

  #field(slot: number, column: Column): HTMLElement[] {
    const { grid } = this;
    const value = grid.store.value(slot, column.id);
    const problem = grid.ops.problem(this.#row ?? "", column.id);
    const place = h("dd", { class: "g-field" });
    const parts = fieldValue(column, value, grid.store, !isEditable(column));
    if (isEditable(column)) {
      const edit = h("button", { type: "button", class: `g-value as-${shownAs(column)}`, "data-field": column.id });
      edit.append(...(parts.length > 0 ? parts : [h("span", { class: "muted" }, "Empty")]));
      edit.setAttribute("aria-labelledby", `field-${column.id} value-${column.id}`);
      edit.id = `value-${column.id}`;
      edit.addEventListener("click", () => this.#edit(column, place));
      place.append(edit);
      const link = fieldValue(column, value, grid.store)[0];
      if (link instanceof HTMLAnchorElement) {
        link.textContent = "↗";
        link.setAttribute("aria-label", `Open ${column.name}`);
        link.classList.add("g-go");
        place.append(link);
      }
    } else place.append(h("span", { class: "g-value fixed" }, ...(parts.length > 0 ? parts : ["—"])));
    const more = iconButton("more", `More about ${column.name}`, () => grid.menu("cell", { slot, column: column.id, anchor: more }));
    more.classList.add("g-field-more");
    more.setAttribute("aria-haspopup", "menu");
    place.append(more);
    if (problem) place.append(h("p", { class: "error-text" }, problem));
    return [h("dt", { id: `field-${column.id}` }, column.name), place];
  }

  #edit(column: Column, place: HTMLElement): void {
    const { grid } = this;
    const slot = this.#slot;
    if (shownAs(column) === "checkbox") {
      grid.setOne(slot, column, grid.store.value(slot, column.id) === true ? null : true);
      return;
    }
    void grid.editors.editIn(place, slot, column, (go) => {
      this.#draw();
      const buttons = [...this.#fields.querySelectorAll<HTMLElement>("[data-field]")];
      const at = buttons.findIndex((it) => it.dataset["field"] === column.id);
      const step = { stay: 0, down: 0, up: 0, next: 1, previous: -1 }[go];
      buttons[Math.max(0, Math.min(buttons.length - 1, at + step))]?.focus();
      void this.#loadHistory(this.#row ?? "");
    });
  }

  async #loadHistory(row: string, before?: number): Promise<void> {
    const { grid } = this;
    await grid.ops.settled();
    const query = before === undefined ? "" : `?before=${before}`;
    const answer = await fetch(`/api/fundraising/rows/${encodeURIComponent(row)}/history${query}`, { credentials: "same-origin" }).catch(() => null);
    if (row !== this.#row || !answer?.ok) return;
    const sets = (await answer.json()) as ChangeSet[];
    const items = sets.map((set) => this.#set(set));
    const more = sets.length >= 20 ? [button("Older", () => void this.#loadHistory(row, sets.at(-1)?.id))] : [];
    if (before === undefined) this.#history.replaceChildren(h("h3", {}, "History"), ...(items.length > 0 ? items : [h("p", { class: "muted small" }, "Nothing was changed yet.")]), ...more);
    else {
      this.#history.querySelector(":scope > button")?.remove();
      this.#history.append(...items, ...more);
    }
  }

  #set(set: ChangeSet): HTMLElement {
    const { store } = this.grid;
    const who = store.users.find((it) => set.actor === `user:${it.id}` || set.actor === it.id)?.name ?? (set.actor.startsWith("user:") ? "Someone" : set.actor.split(":")[0] ?? "");
    const lines = set.changes.slice(0, 12).map((change) => {
      const column = change.column_id ? store.column(change.column_id) : undefined;
      const show = (json: string | null): string => {
        const value = parse(json);
        return column ? text(column, value, store).slice(0, 120) : value === null ? "" : String(value).slice(0, 120);
      };
      return h("li", {}, h("span", { class: "muted" }, column?.name ?? change.what.replace("_", " ")), " ",
        h("span", { class: "before" }, show(change.before)), h("span", { class: "arrow" }, "→"), h("span", { class: "after" }, show(change.after) || "empty"));
    });
    const at = new Date(set.at);
    return h("section", { class: "g-set" },
      h("p", {}, h("strong", {}, who), " ", h("time", { class: "muted", datetime: at.toISOString() }, at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }))),
      h("ul", {}, ...lines));
  }
}

function parse(json: string | null): Value {
  if (json === null) return null;
  try {
    return JSON.parse(json) as Value;
  } catch {
    return json;
  }
}
