import type { Grid } from "./grid";
import type { View } from "./wire";

/** Where a view is looked at: boards and calendars are pages of their own. */
export function addressOf(view: View): string {
  const page = view.config.layout === "board" ? "/grid/board" : view.config.layout === "calendar" ? "/grid/calendar" : "/grid";
  return `${page}?view=${encodeURIComponent(view.id)}`;
}

/** Opens a view here, or goes to the page that shows it. */
export function openView(grid: Grid, id: string | null, remember = true): void {
  const view = grid.store.views.find((it) => it.id === id) ?? grid.store.views[0] ?? null;
  if (!view) return;
  if (view.config.layout === "board" || view.config.layout === "calendar") {
    location.assign(addressOf(view));
    return;
  }
  if (remember) history.pushState(null, "", addressOf(view));
  grid.table.picked.clear();
  keepScroll(grid);
  grid.config.load(view);
  grid.selection.place(0, 0);
  scrollBack(grid);
  grid.speaker.say(`View ${view.name}`);
}

export function keepScroll(grid: Grid): void {
  grid.config.setScroll(grid.view.scroller.scrollTop, grid.view.scroller.scrollLeft);
}

/** Goes where one was in this view, once its rows are there. */
export function scrollBack(grid: Grid): void {
  const [top, left] = grid.config.scroll;
  const { scroller } = grid.view;
  const go = (): void => {
    if (grid.table.lines.length === 0) return;
    grid.follow.delete(go);
    scroller.scrollTop = top;
    scroller.scrollLeft = left;
  };
  grid.follow.add(go);
  scroller.scrollTop = 0;
  scroller.scrollLeft = left;
}

export function viewIcon(view: View): string {
  return view.config.layout === "board" || view.config.layout === "calendar" ? view.config.layout : "grid";
}
