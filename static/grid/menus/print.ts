import { h } from "../dom";
import type { Grid } from "../grid";
import { fieldValue } from "../fields";

/** Rows on paper at most; a browser lays out no more in good time. */
const MOST = 2_000;

/** The grid shows a window on its rows; paper gets them all, as a plain table. */
export function printAll(grid: Grid): void {
  let paper: HTMLElement | null = null;
  addEventListener("beforeprint", () => {
    paper?.remove();
    const { table, store } = grid;
    const columns = table.columns.map((it) => it.column);
    const body = h("tbody");
    let rows = 0;
    for (let line = 0; line < table.lines.length && rows < MOST; line++) {
      const group = table.group(line);
      const slot = table.slot(line);
      if (group >= 0) body.append(h("tr", {}, h("th", { colspan: columns.length }, `${table.groups[group]?.label || "(empty)"} · ${table.groups[group]?.count ?? 0}`)));
      else if (slot >= 0) {
        rows++;
        body.append(h("tr", {}, ...columns.map((column) => h("td", {}, ...fieldValue(column, store.value(slot, column.id), store, false)))));
      }
    }
    const left = table.total - rows;
    paper = h("section", { class: "g-print" }, h("h1", {}, grid.config.view?.name ?? "Investors"),
      h("p", {}, `${table.total.toLocaleString("en")} rows, ${new Date().toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" })}`),
      ...(left > 0 ? [h("p", {}, `Only the first ${MOST.toLocaleString("en")} rows are printed; ${left.toLocaleString("en")} more are in the grid. Filter, or export the view as CSV.`)] : []),
      h("table", {}, h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column.name)))), body));
    grid.root.after(paper);
  });
  addEventListener("afterprint", () => { paper?.remove(); paper = null; });
}
