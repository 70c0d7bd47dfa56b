import { button, h, icon, iconButton, later } from "./dom";
import type { Grid } from "./grid";
import { hue } from "./overlay";
import type { Filter } from "./wire";

/** Conditions in a filter, however deep. */
export function conditions(filter: Filter | undefined): number {
  if (!filter) return 0;
  const parts = "all" in filter ? filter.all : "any" in filter ? filter.any : null;
  return parts ? parts.reduce((sum, part) => sum + conditions(part), 0) : 1;
}

const TOOLS: readonly (readonly [name: string, icon: string, label: string, keys?: string])[] = [
  ["fields", "eye", "Fields"], ["filter", "filter", "Filter", "Ctrl+Shift+F"], ["group", "group", "Group", "Ctrl+Shift+D"],
  ["sort", "sort", "Sort", "Ctrl+Shift+S"], ["colors", "palette", "Colour"], ["rows", "rows", "Rows"],
];

/** The view, what it does to the rows, search and the people here: the row above the table. */
export function toolbar(grid: Grid, status: HTMLElement): HTMLElement {
  const view = h("button", { type: "button", class: "g-view", "data-menu": "views", "aria-haspopup": "true" });
  view.addEventListener("click", () => grid.menu("views", { anchor: view }));
  const search = h("input", { class: "input", type: "search", "aria-label": "Search all fields", placeholder: "Search", "data-hotkey": "/" });
  search.value = grid.config.search;
  search.addEventListener("input", later(() => grid.config.setSearch(search.value.trim()), 200));
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    if (event.key === "Escape" && search.value) {
      search.value = "";
      grid.config.setSearch("");
    } else grid.focus();
    event.preventDefault();
  });
  const refresh = button("Refresh", () => grid.refresh());
  refresh.title = "Rows have moved or no longer match this view";
  const here = h("div", { class: "g-here", role: "group", "aria-label": "Also here" });
  const tools = h("div", { class: "g-tools", role: "toolbar", "aria-label": "What the view shows" });
  for (const [name, symbol, label, keys] of TOOLS) {
    const tool = h("button", { type: "button", class: "g-tool", "data-menu": name, "aria-haspopup": "dialog", title: keys ? `${label} (${keys})` : label }, icon(symbol), h("span", {}, label));
    tool.addEventListener("click", () => grid.menu(name, { anchor: tool }));
    tools.append(tool);
  }
  const past = iconButton("clock", "History: the grid as it was", () => grid.menu("past", { anchor: past }));
  const trash = iconButton("trash", "Trash", () => grid.menu("trash"));

  const draw = (): void => {
    drawView(grid, view);
    drawTools(grid, tools);
    const left = grid.table.left.size;
    refresh.hidden = !grid.table.pending;
    const label = left > 0 ? `Refresh (${left} no longer match)` : "Refresh";
    if (refresh.textContent !== label) refresh.textContent = label;
    drawPeople(grid, here);
  };
  grid.follow.add(draw);
  return h("div", { class: "g-bar" }, view, tools, h("div", { class: "g-right" }, refresh, here, h("div", { class: "search" }, icon("search"), search),
    past, trash, iconButton("info", "Keys of the grid (?)", () => grid.menu("help")), button("New", () => grid.addRow(), "button button-small g-new"), status));
}

function drawView(grid: Grid, view: HTMLElement): void {
  const now = grid.config.view;
  const key = `${now?.id ?? ""}/${now?.name ?? ""}/${now?.mode ?? ""}/${grid.config.isDirty}`;
  if (view.dataset["key"] === key) return;
  view.dataset["key"] = key;
  const name = now?.name ?? "All";
  view.replaceChildren(icon("panel"), h("span", { class: "clip" }, name), ...(now?.mode === "locked" ? [icon("lock")] : []), ...(grid.config.isDirty ? [h("span", { class: "g-unsaved", "aria-hidden": "true" }, "•")] : []));
  view.setAttribute("aria-label", `View ${name}${now?.mode === "locked" ? ", locked" : ""}${grid.config.isDirty ? ", changed for you" : ""}. Views`);
  document.title = document.title.replace(/^[^·]*/, `${name} `);
}

function drawTools(grid: Grid, tools: HTMLElement): void {
  const { now } = grid.config;
  const titles = grid.store.columns.filter((it) => !it.derived).length;
  const shown = grid.table.columns.filter((it) => !it.column.derived).length;
  const counts: Readonly<Record<string, number>> = {
    fields: Math.max(0, titles - shown), filter: conditions(now.filter), group: now.groups?.length ?? 0, sort: now.sorts?.length ?? 0, colors: now.colors?.length ?? 0,
  };
  for (const tool of tools.querySelectorAll<HTMLElement>("[data-menu]")) {
    const name = tool.dataset["menu"] ?? "";
    const n = counts[name] ?? 0;
    const [, , label = ""] = TOOLS.find((it) => it[0] === name) ?? [];
    const to = n === 0 ? label : name === "fields" ? `${n} hidden` : `${label} ${n}`;
    const text = tool.lastElementChild;
    if (text && text.textContent !== to) text.textContent = to;
    tool.setAttribute("aria-label", n === 0 ? label : name === "fields" ? `Fields, ${n} hidden` : `${label}, ${n} in force`);
    tool.classList.toggle("is-on", n > 0);
    tool.classList.toggle("is-wrong", name === "filter" && grid.refusal !== null);
  }
}

function drawPeople(grid: Grid, here: HTMLElement): void {
  const people = [...new Map(grid.others.map((it) => [it.user, it])).values()];
  const key = people.map((it) => it.user).join();
  if (here.dataset["people"] === key) return;
  here.dataset["people"] = key;
  here.hidden = people.length === 0;
  here.replaceChildren(...people.slice(0, 5).map((it) => h("span", { class: `avatar hue-${hue(it.user)}`, title: `${it.name} is here`, role: "img", "aria-label": it.name }, it.name.split(/\s+/).map((part) => part[0]).join("").slice(0, 2))));
}
