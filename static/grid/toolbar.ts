import { button, h, icon, iconButton, later } from "./dom";
import type { Grid } from "./grid";
import { hue } from "./overlay";

/** Views, search and the people here: the row above the table. */
export function toolbar(grid: Grid, status: HTMLElement, help: () => void): HTMLElement {
  const views = h("nav", { class: "g-views", "aria-label": "Views" });
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

  const draw = (): void => {
    drawViews(grid, views);
    const left = grid.table.left.size;
    refresh.hidden = !grid.table.pending;
    const label = left > 0 ? `Refresh (${left} no longer match)` : "Refresh";
    if (refresh.textContent !== label) refresh.textContent = label;
    drawPeople(grid, here);
  };
  grid.follow.add(draw);
  const tools = h("div", { class: "g-tools", "data-slot": "tools" });
  return h("div", { class: "g-bar" }, views, tools, h("div", { class: "g-right" }, refresh, here, h("div", { class: "search" }, icon("search"), search),
    iconButton("info", "Keys of the grid (?)", help), button("New", () => grid.addRow(), "button button-small g-new"), status));
}

let shownViews = "";

function drawViews(grid: Grid, nav: HTMLElement): void {
  const { views } = grid.store;
  const now = grid.config.view?.id ?? "";
  const key = JSON.stringify([now, grid.config.isDirty, views.map((view) => [view.id, view.name])]);
  if (key === shownViews) return;
  shownViews = key;
  nav.replaceChildren(...views.map((view) => {
    const tab = h("a", { href: `/grid?view=${encodeURIComponent(view.id)}`, ...(view.id === now && { "aria-current": "page" }) }, view.name);
    if (view.id === now && grid.config.isDirty) tab.append(h("span", { class: "g-unsaved", title: "Unsaved for you" }, " •"));
    tab.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      openView(grid, view.id);
    });
    return tab;
  }));
}

export function openView(grid: Grid, id: string): void {
  const view = grid.store.views.find((it) => it.id === id) ?? null;
  history.replaceState(null, "", `/grid?view=${encodeURIComponent(id)}`);
  grid.table.picked.clear();
  grid.config.load(view);
  grid.view.scroller.scrollTop = 0;
  grid.selection.place(0, 0);
  grid.focus();
}

function drawPeople(grid: Grid, here: HTMLElement): void {
  const people = [...new Map(grid.others.map((it) => [it.user, it])).values()];
  const key = people.map((it) => it.user).join();
  if (here.dataset["people"] === key) return;
  here.dataset["people"] = key;
  here.hidden = people.length === 0;
  here.replaceChildren(...people.slice(0, 5).map((it) => h("span", { class: `avatar hue-${hue(it.user)}`, title: `${it.name} is here`, role: "img", "aria-label": it.name }, it.name.split(/\s+/).map((part) => part[0]).join("").slice(0, 2))));
}
