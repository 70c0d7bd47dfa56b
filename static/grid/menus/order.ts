import { button, h } from "../dom";
import type { Grid } from "../grid";
import { shownAs } from "../values";
import type { Column, Sort } from "../wire";
import { columnOptions } from "./builder";
import { removeButton } from "./condition";
import { grip, popup, reorderable, select, type Place } from "./popup";
import { result } from "./tools";

const MOST = { sorts: 10, groups: 3 } as const;

/** What the two directions are called, by what is ordered. */
export function directions(column: Column | undefined): readonly [string, string] {
  switch (column && shownAs(column)) {
    case "number": case "currency": case "percent": case "rating": return ["1 → 9", "9 → 1"];
    case "date": case "date_time": return ["Earliest first", "Latest first"];
    case "checkbox": return ["Unchecked first", "Checked first"];
    case "select": return ["First → last option", "Last → first option"];
    default: return ["A → Z", "Z → A"];
  }
}

/** Sorts, or groups: a field and a direction each, the first counts most. */
export function openOrder(grid: Grid, key: "sorts" | "groups", at: Place, column?: string): void {
  const isSort = key === "sorts";
  const pop = popup(grid, key, isSort ? "Sort" : "Group", at, () => grid.follow.delete(draw));
  if (!pop) return;
  const list = h("ol", { class: "g-list" });
  const note = h("p", { class: "g-none muted" });
  const add = button(isSort ? "+ Sort by another field" : "+ Group by another field", () => begin(), "button button-small button-quiet");
  const folds = h("span", { class: "g-folds" }, ...(isSort ? [] : [button("Collapse all", () => fold(true), "button button-small button-quiet"), button("Expand all", () => fold(false), "button button-small button-quiet")]));
  const foot = result(grid, [key]);
  pop.body.append(note, list, h("div", { class: "g-group-add" }, add, folds));
  pop.element.append(foot.element);

  const now = (): Sort[] => [...(grid.config.now[key] ?? [])];
  const put = (all: readonly Sort[], focus?: string): void => {
    grid.config.set({ [key]: all });
    if (focus) list.querySelector<HTMLElement>(focus)?.focus();
  };
  const begin = (id?: string): void => {
    const used = new Set(now().map((it) => it.column));
    const free = grid.store.columns.filter((it) => !it.derived && !used.has(it.id) && (isSort || groupable(it)));
    // Groups are mostly made of what repeats.
    const first = id ?? (isSort ? free[0] : (free.find((it) => ["select", "checkbox", "user", "multi_select"].includes(it.type)) ?? free[0]))?.id;
    if (first && !used.has(first)) put([...now(), { column: first }], "li:last-child select");
    else list.querySelector<HTMLElement>("select")?.focus();
  };
  const fold = (to: boolean): void => {
    grid.table.groups.forEach((_, i) => grid.table.toggle(i, to));
    grid.view.refresh();
    grid.told();
  };
  let drawn = "";
  function draw(): void {
    foot.draw();
    const all = now();
    const text = JSON.stringify(all);
    if (text === drawn) return;
    drawn = text;
    const active = document.activeElement instanceof HTMLElement && list.contains(document.activeElement) ? document.activeElement.dataset["at"] : undefined;
    list.replaceChildren(...all.map((it, i) => line(all, it, i)));
    if (active) list.querySelector<HTMLElement>(`[data-at="${CSS.escape(active)}"]`)?.focus();
    note.textContent = isSort ? "Rows stand in the order they were added." : "Rows are not grouped.";
    note.hidden = all.length > 0;
    folds.hidden = all.length === 0;
    add.hidden = all.length >= MOST[key];
    pop?.place();
  }
  function line(all: Sort[], it: Sort, i: number): HTMLElement {
    const shown = grid.store.column(it.column);
    const name = shown?.name ?? "a deleted field";
    const used = new Set(all.filter((_, n) => n !== i).map((other) => other.column));
    const field = select(isSort ? "Sort by" : "Group by", columnOptions(grid, shown ? undefined : it.column, (c) => !used.has(c.id) && (isSort || groupable(c))), it.column, (id) => put(all.map((old, n) => (n === i ? { ...old, column: id } : old))));
    const [up, down] = directions(shown);
    const way = select(`Direction of ${name}`, [["up", up], ["down", down]], it.descending ? "down" : "up", (to) => put(all.map((old, n) => (n === i ? { column: old.column, ...(to === "down" && { descending: true }) } : old))));
    field.dataset["at"] = `field${i}`;
    way.dataset["at"] = `way${i}`;
    return h("li", { class: "g-list-row" }, grip(name), field, way,
      removeButton(name, () => {
        put(all.filter((_, n) => n !== i));
        (list.querySelector<HTMLElement>("select") ?? add).focus();
      }));
  }
  reorderable(list, (from, to) => {
    const all = now();
    const [moved] = all.splice(from, 1);
    if (moved) all.splice(to, 0, moved);
    put(all);
  });
  grid.follow.add(draw);
  draw();
  pop.place();
  if (column !== undefined || now().length === 0) begin(column);
}

/** Long texts and people make a group for nearly every row. */
export function groupable(column: Column): boolean {
  return !["long_text", "contacts"].includes(column.type);
}

