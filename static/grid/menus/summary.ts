import type { Grid } from "../grid";
import { shownAs } from "../values";
import type { SummaryKind } from "../wire";
import { menu, type Place } from "./popup";
import { SUMMARY_NAMES, summariesOf } from "./types";

/** What stands below a column: one figure over all rows of the view. */
export function openSummary(grid: Grid, id: string, at: Place): void {
  const column = grid.store.column(id);
  if (!column) return;
  const now = grid.config.now.summaries ?? {};
  const put = (kind: SummaryKind | null): void => {
    const { [id]: _, ...rest } = now;
    grid.config.set({ summaries: kind ? { ...rest, [id]: kind } : rest });
  };
  const isDate = shownAs(column) === "date" || shownAs(column) === "date_time";
  const name = (kind: SummaryKind): string => (isDate && kind === "min" ? "Earliest" : isDate && kind === "max" ? "Latest" : SUMMARY_NAMES[kind]);
  menu(grid, `summary:${id}`, `Summary of ${column.name}`, at, [
    { label: "None", checked: !now[id], run: () => put(null) },
    null,
    ...summariesOf(column).map((kind) => ({ label: name(kind), checked: now[id] === kind, run: () => put(kind) })),
  ]);
}
