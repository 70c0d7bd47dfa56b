import { fromTsv, planPaste, toTsv, type Misfit, type Paste } from "./clipboard";
import { button, h, openDialog } from "./dom";
import type { Grid } from "./grid";
import { newId } from "./send";
import { startOf } from "./prefill";
import { copied, isEditable, text } from "./values";
import type { Operation, Value } from "./wire";

/** Rows a paste may add below the last one in one go. */
const MOST_NEW = 5_000;

export function listen(grid: Grid): void {
  let ready: string | null = null;
  const put = (event: ClipboardEvent, cut: boolean): void => {
    event.preventDefault();
    if (ready === null && grid.table.picked.size === 0 && hasCut(grid)) {
      // Only the beginnings of some long texts are here: load them, then copy.
      void loadCut(grid).then(() => {
        ready = selected(grid);
        document.execCommand("copy");
        ready = null;
        if (cut) grid.clear();
      });
      return;
    }
    event.clipboardData?.setData("text/plain", ready ?? selected(grid));
    const { rect } = grid.selection;
    grid.speaker.say(`Copied ${(rect.bottom - rect.top + 1) * (rect.right - rect.left + 1)} cells`);
    if (cut) grid.clear();
  };
  grid.input.addEventListener("copy", (event) => put(event, false));
  grid.input.addEventListener("cut", (event) => put(event, true));
  grid.input.addEventListener("paste", (event) => {
    event.preventDefault();
    paste(grid, event.clipboardData?.getData("text/plain") ?? "");
  });
}

function columnsOf(grid: Grid): typeof grid.table.columns {
  const { rect } = grid.selection;
  return grid.table.columns.slice(rect.left, rect.right + 1);
}

function hasCut(grid: Grid): boolean {
  const { rect } = grid.selection;
  const long = columnsOf(grid).filter((it) => it.column.type === "long_text");
  return long.length > 0 && grid.table.slots(rect.top, rect.bottom).some((slot) => long.some((it) => grid.store.isCut(slot, it.column.id)));
}

async function loadCut(grid: Grid): Promise<void> {
  const { rect } = grid.selection;
  const slots = grid.table.slots(rect.top, rect.bottom).filter((slot) => columnsOf(grid).some((it) => grid.store.isCut(slot, it.column.id)));
  if (slots.length > 300) grid.speaker.notify("Only the first 300 long texts are copied whole.");
  for (let i = 0; i < Math.min(300, slots.length); i += 8) await Promise.all(slots.slice(i, i + 8).map((slot) => grid.whole(slot)));
}

/** The selection as text; ticked rows are copied whole. */
export function selected(grid: Grid): string {
  const { rect } = grid.selection;
  const picked = grid.table.picked.size > 0;
  const slots = picked ? grid.table.slots(0, grid.table.lines.length).filter((slot) => grid.table.picked.has(slot)) : grid.table.slots(rect.top, rect.bottom);
  const columns = picked ? grid.table.columns : columnsOf(grid);
  return toTsv(slots.map((slot) => columns.map(({ column }) => copied(column, grid.store.value(slot, column.id), grid.store))));
}

export function paste(grid: Grid, source: string): void {
  if (source === "") return;
  const { rect } = grid.selection;
  const fields = fromTsv(source);
  const slots = grid.table.slots(rect.top, grid.table.lines.length - 1);
  const columns = grid.table.columns.slice(rect.left).map((it) => it.column);
  const plan = planPaste(fields, { slots, columns, height: rect.bottom - rect.top + 1, width: rect.right - rect.left + 1 }, grid.store, Date.now(), isEditable);
  const write = (add: boolean): void => {
    const { operations, label } = additions(grid, plan, add);
    grid.edit(plan.cells.map(({ slot, column, value }) => ({ slot, column: column.id, value })), label, operations);
    grid.selection.span({ ...rect, bottom: Math.min(grid.table.lines.length - 1, rect.top + plan.height - 1), right: Math.min(grid.table.columns.length - 1, rect.left + plan.width - 1) });
    grid.drawSelection();
    grid.speaker.say(`Pasted ${plan.cells.length} cells`);
    if (plan.misfits.length > 0) report(grid, plan.misfits, plan.cells.length);
  };
  if (plan.extra.length === 0) write(false);
  else askForRows(grid, Math.min(MOST_NEW, plan.extra.length), write);
}

function additions(grid: Grid, plan: Paste, add: boolean): { operations: Operation[]; label: string } {
  const start = startOf(grid.config.now.filter, grid.store);
  const operations: Operation[] = (add ? plan.extra : []).slice(0, MOST_NEW).map((cells) => {
    const own: Record<string, Value> = { ...start.cells };
    // Derived columns have operations of their own and are left out of a new row.
    for (const { column, value } of cells) if (!column.derived) own[column.id] = value;
    return { op: "add_row", id: newId(), list: start.list, cells: own };
  });
  const rows = operations.length > 0 ? ` and ${operations.length} new rows` : "";
  return { operations, label: `Pasted ${plan.cells.length} cells${rows}` };
}

function askForRows(grid: Grid, count: number, write: (add: boolean) => void): void {
  const dialog = h("dialog", { class: "g-dialog", "aria-label": "Paste below the last row" },
    h("h2", {}, `${count} ${count === 1 ? "row does" : "rows do"} not find a place`),
    h("p", {}, "The pasted table is longer than what is left below the selection."));
  const choose = (add: boolean): void => {
    dialog.close();
    grid.focus();
    write(add);
  };
  dialog.append(h("div", { class: "actions" },
    button(`Add ${count} ${count === 1 ? "row" : "rows"}`, () => choose(true), "button button-primary"),
    button("Paste only what fits", () => choose(false), "button"),
    button("Cancel", () => dialog.close(), "button button-quiet")));
  openDialog(dialog);
}

/** Says what was not taken, with the reason, cell by cell. */
function report(grid: Grid, misfits: readonly Misfit[], taken: number): void {
  const title = grid.store.title;
  const lines = misfits.slice(0, 200).map((it) => {
    const name = it.slot >= 0 && title ? text(title, grid.store.value(it.slot, title.id), grid.store) : "new row";
    return h("tr", {}, h("td", {}, name || "(no name)"), h("td", {}, it.column.name), h("td", {}, it.text.slice(0, 80)), h("td", {}, it.why));
  });
  const dialog = h("dialog", { class: "g-dialog g-wide", "aria-label": "What did not fit" },
    h("h2", {}, `${misfits.length} ${misfits.length === 1 ? "cell" : "cells"} did not fit, ${taken} pasted`),
    h("p", { class: "muted" }, "These cells were left as they were."),
    h("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": "Cells that did not fit" }, h("table", { class: "table" },
      h("thead", {}, h("tr", {}, ...["Row", "Column", "Pasted", "Why not"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, ...lines))));
  dialog.append(h("div", { class: "actions" }, button("Close", () => dialog.close(), "button button-primary")));
  dialog.addEventListener("close", () => grid.focus());
  openDialog(dialog);
}
