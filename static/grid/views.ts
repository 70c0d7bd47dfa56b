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
  grid.config.load(view);
  grid.view.scroller.scrollTop = 0;
  grid.selection.place(0, 0);
  grid.speaker.say(`View ${view.name}`);
}

export function viewIcon(view: View): string {
  return view.config.layout === "board" || view.config.layout === "calendar" ? view.config.layout : "grid";
}
