// What a view shows and how: its panels, the list of views, what is not saved yet.
import type { Opening } from "../doors";
import { h } from "../dom";
import type { Grid } from "../grid";
import type { ViewConfig } from "../wire";
import { builder } from "./builder";
import { openColors, openRows } from "./look";
import { openFields } from "./fieldlist";
import { openOrder } from "./order";
import { popup, quiet, type Place } from "./popup";
import { openSummary } from "./summary";
import { drawBar } from "./unsaved";
import { toggleViews } from "./views";
import { printAll } from "./print";

let isReady = false;

export function open(grid: Grid, opening: Opening): void {
  if (!isReady) {
    isReady = true;
    printAll(grid);
  }
  const tool = grid.root.querySelector<HTMLElement>(`[data-menu="${CSS.escape(opening.name)}"]`) ?? undefined;
  const at: Place = { anchor: opening.anchor ?? tool, x: opening.x, y: opening.y };
  switch (opening.name) {
    case "filter": return openFilter(grid, at, opening.column);
    case "sort": return openOrder(grid, "sorts", at, opening.column);
    case "group": return openOrder(grid, "groups", at, opening.column);
    case "fields": return openFields(grid, at);
    case "colors": return openColors(grid, at);
    case "rows": return openRows(grid, at);
    case "summary": return openSummary(grid, opening.column ?? "", at);
    case "save": return drawBar(grid);
    default: return toggleViews(grid, opening.anchor);
  }
}

/** The line at the end of a panel: how many rows there are now, and a way back. */
export function result(grid: Grid, keys: readonly (keyof ViewConfig)[]): { element: HTMLElement; draw: () => void } {
  const count = h("span", { role: "status", class: "g-result" });
  const back = quiet("Back to the saved view", () => {
    const saved = grid.config.view?.config ?? {};
    const usual: ViewConfig = { filter: { all: [] }, sorts: [], groups: [], colors: [] };
    grid.config.set(Object.fromEntries(keys.map((key) => [key, saved[key] ?? usual[key]])) as ViewConfig);
  });
  back.classList.add("button-small");
  const draw = (): void => {
    const { total } = grid.table;
    const text = grid.refusal ? "Not applied" : `${total.toLocaleString("en")} ${total === 1 ? "row" : "rows"}`;
    if (count.textContent !== text) count.textContent = text;
    back.hidden = !keys.some((key) => key in grid.config.unsaved);
  };
  return { element: h("footer", { class: "g-pop-foot" }, count, back), draw };
}

function openFilter(grid: Grid, at: Place, column?: string): void {
  const pop = popup(grid, "filter", "Filter", at, () => grid.follow.delete(follow));
  if (!pop) return;
  const made = builder(grid, grid.config.now.filter, (filter) => grid.config.set({ filter }));
  const foot = result(grid, ["filter"]);
  const follow = (): void => {
    made.show(grid.config.now.filter);
    made.complain(grid.refusal);
    foot.draw();
  };
  grid.follow.add(follow);
  pop.body.append(made.element);
  pop.element.append(foot.element);
  follow();
  pop.place();
  const it = column === undefined ? undefined : grid.store.column(column);
  if (it) made.begin(it);
  else if (made.isEmpty()) made.element.querySelector<HTMLElement>("button")?.focus();
}

