// The menu of cells and rows, and what tells about one cell.
import { showAmount } from "../amounts";
import { paste } from "../copy";
import type { Opening } from "../doors";
import { button, h, iconButton } from "../dom";
import { fieldValue } from "../fields";
import type { Grid } from "../grid";
import { problemOf } from "../send";
import { same } from "../store";
import { isEditable, text } from "../values";
import type { Column, Filter, Operation, Value } from "../wire";
import { ask, menu, type Item, type Place } from "./popup";

export function open(grid: Grid, opening: Opening): void {
  const slot = opening.slot ?? grid.slot;
  const column = opening.column === undefined ? grid.column : grid.store.column(opening.column);
  if (slot < 0 || !column) return;
  if (opening.name === "explain") void explain(grid, slot, column);
  else cellMenu(grid, slot, column, opening, opening.slot !== undefined);
}

/** The rows a menu is about: the ticked ones if this is one of them, else the selected. */
function rowsOf(grid: Grid, slot: number, isOne: boolean): number[] {
  if (isOne) return [slot];
  if (grid.table.picked.has(slot)) return [...grid.table.picked];
  const { top, bottom } = grid.selection.rect;
  return grid.table.slots(top, bottom);
}

function cellMenu(grid: Grid, slot: number, column: Column, at: Place, isOne: boolean): void {
  const slots = rowsOf(grid, slot, isOne);
  const n = slots.length;
  const rows = n === 1 ? "row" : `${n} rows`;
  const lists = grid.store.column("@list")?.options.choices ?? [];
  const isPast = grid.past !== null && "Go back to now first";
  const line = grid.table.line(slot);
  const above = grid.table.slot(line - 1);
  const items: (Item | null)[] = [
    { label: "History of this cell", icon: "clock", run: () => void cellHistory(grid, slot, column) },
    ...(column.type === "formula" ? [{ label: "Explain this value", icon: "info", run: () => void explain(grid, slot, column) }] : []),
    { label: "Why is this row here?", icon: "filter", run: () => void why(grid, slot) },
    null,
    ...(isOne ? [] : [
      { label: "Copy", icon: "copy", key: "Ctrl+C", run: () => copy(grid) },
      { label: "Paste", icon: "import", key: "Ctrl+V", disabled: isPast, run: () => void pasteHere(grid) },
      { label: "Clear", icon: "x", key: "Del", disabled: isPast, run: () => grid.clear() },
      null,
      { label: "Open record", icon: "external", key: "Space", run: () => grid.expand(slot) },
      { label: "Insert row above", icon: "plus", disabled: isPast || (above < 0 && "This is the first row"), run: () => grid.addRow(above) },
      { label: "Insert row below", icon: "plus", key: "Shift+↵", disabled: isPast, run: () => grid.addRow(slot) },
      null,
    ]),
    ...lists.map((it) => ({ label: `Move ${rows} to ${it.name}`, disabled: isPast || (n === 1 && grid.store.value(slot, "@list") === it.id && "It is there"), run: () => void moveRows(grid, slots, it) })),
    null,
    { label: `Archive ${rows}…`, icon: "archive", disabled: isPast, run: () => void archive(grid, slots) },
    { label: `Delete ${rows}`, icon: "trash", tone: "bad", disabled: isPast, run: () => run(grid, slots, `Deleted ${n} ${n === 1 ? "row" : "rows"}`, (row) => ({ op: "delete", row })) },
  ];
  menu(grid, "cell", column.name, at, items);
}

function copy(grid: Grid): void {
  grid.focus();
  document.execCommand("copy");
}

async function pasteHere(grid: Grid): Promise<void> {
  grid.focus();
  const source = await navigator.clipboard?.readText().catch(() => null);
  if (source) paste(grid, source);
  else grid.speaker.notify(source === "" ? "There is no text to paste." : "This browser gives pages no clipboard. Press Ctrl+V instead.");
}

function run(grid: Grid, slots: readonly number[], label: string, operation: (row: string) => Operation): void {
  grid.run(slots.flatMap((slot) => {
    const row = grid.store.id(slot);
    return row ? [operation(row)] : [];
  }), label);
  grid.table.picked.clear();
  grid.view.paint(true);
  grid.told();
  grid.focus();
}

async function archive(grid: Grid, slots: readonly number[]): Promise<void> {
  const n = slots.length;
  const reason = await ask(grid, n === 1 ? "Archive this row" : `Archive ${n} rows`, { field: "Reason", action: "Archive", text: "Archived rows leave all views. They keep their history and can be restored." });
  if (reason) run(grid, slots, `Archived ${n} ${n === 1 ? "row" : "rows"}`, (row) => ({ op: "archive", row, reason }));
}

async function moveRows(grid: Grid, slots: readonly number[], list: { readonly id: string; readonly name: string }): Promise<void> {
  const n = slots.length;
  const reason = await ask(grid, `Move ${n === 1 ? "this row" : `${n} rows`} to ${list.name}`, { field: "Why (may be empty)", action: "Move", required: false });
  if (reason === null) return;
  const traces = slots.flatMap((slot) => {
    const row = grid.store.id(slot);
    return row ? [{ row, column: "@list", before: grid.store.value(slot, "@list"), after: list.id }] : [];
  });
  grid.run(traces.map(({ row }) => ({ op: "move", row, list: list.id, reason })), `Moved ${n} ${n === 1 ? "row" : "rows"} to ${list.name}`, traces);
  grid.focus();
}

// What is known about a cell, in dialogs.

function nameOf(grid: Grid, slot: number): string {
  const title = grid.store.title;
  return (title && text(title, grid.store.value(slot, title.id), grid.store)) || "Unnamed";
}

function show(grid: Grid, title: string, sub: string, ...content: Node[]): HTMLDialogElement {
  const dialog = h("dialog", { class: "g-dialog g-about", "aria-label": title },
    h("header", { class: "g-dialog-head" }, h("div", { class: "clip" }, h("h2", { class: "clip" }, title), h("p", { class: "muted small clip" }, sub)), iconButton("x", "Close", () => dialog.close())),
    h("div", { class: "g-about-body" }, ...content));
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (!document.querySelector(".g-panel:not([hidden])")) grid.focus();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

async function get<T>(grid: Grid, path: string): Promise<T | null> {
  await Promise.race([grid.ops.settled(), new Promise((done) => setTimeout(done, 1_500))]);
  const answer = await fetch(`/api/fundraising/rows/${path}`, { credentials: "same-origin" }).catch(() => null);
  if (answer?.ok) return (await answer.json()) as T;
  grid.speaker.notify(answer ? (await problemOf(answer)).detail : "The server cannot be reached.", "bad");
  return null;
}

interface CellChange { readonly change_set: number; readonly actor: string; readonly origin: string; readonly summary: string; readonly at: number; readonly before: string | null; readonly after: string | null }

export function whoOf(grid: Grid, actor: string): string {
  const known = grid.store.users.find((it) => actor === `user:${it.id}` || actor === it.id);
  return known?.name ?? (actor.startsWith("user:") ? "Someone" : (actor.split(":")[0] ?? ""));
}

async function cellHistory(grid: Grid, slot: number, column: Column): Promise<void> {
  const row = grid.store.id(slot) ?? "";
  const changes = await get<CellChange[]>(grid, `${encodeURIComponent(row)}/cells/${encodeURIComponent(column.id)}/history`);
  if (!changes) return;
  const now = grid.store.value(slot, column.id);
  const shown = (value: Value): Node[] => {
    const parts = fieldValue(column, value, grid.store, false);
    return parts.length > 0 ? parts : [h("span", { class: "muted" }, "empty")];
  };
  const list = h("ol", { class: "g-timeline" }, ...changes.map((change, i) => {
    const value = parsed(change.after);
    const at = new Date(change.at);
    const isNow = i === 0 || same(value, now);
    const back = button("Put this value back", () => {
      dialog.close();
      const there = grid.store.slot(row);
      if (there !== undefined) grid.edit([{ slot: there, column: column.id, value }], `Put back ${column.name}`);
    });
    return h("li", {}, h("div", { class: "g-side" }, ...shown(value)),
      h("p", { class: "muted small" }, h("strong", {}, whoOf(grid, change.actor)), " ", h("time", { datetime: at.toISOString() }, at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })), ...(change.origin && change.origin !== "edit" && change.origin !== change.actor.split(":")[0] ? [` · ${change.origin.replace(/_/g, " ")}`] : [])),
      ...(isNow ? [h("span", { class: "badge plain" }, i === 0 ? "Now" : "Same as now")] : isEditable(column) && !column.derived && grid.past === null ? [back] : []));
  }));
  const first = changes.at(-1);
  const old = first ? parsed(first.before) : null;
  if (first && first.before !== null) {
    const back = button("Put this value back", () => {
      dialog.close();
      const there = grid.store.slot(row);
      if (there !== undefined) grid.edit([{ slot: there, column: column.id, value: old }], `Put back ${column.name}`);
    });
    list.append(h("li", {}, h("div", { class: "g-side" }, ...shown(old)), h("p", { class: "muted small" }, "Before that"), ...(isEditable(column) && !column.derived && grid.past === null && !same(old, now) ? [back] : [])));
  }
  const note = column.type === "formula" || column.derived ? "It is worked out from other fields: their histories say what changed." : "It was never changed.";
  const dialog = show(grid, `History of ${column.name}`, nameOf(grid, slot), ...(changes.length > 0 ? [list] : [h("p", { class: "muted" }, note)]));
}

function parsed(json: string | null): Value {
  if (json === null) return null;
  try {
    return JSON.parse(json) as Value;
  } catch {
    return json;
  }
}

interface Step { readonly start: number; readonly end: number; readonly source: string; readonly text: string }

/** How a computed cell came to its value: every part of the formula, inner ones first. */
async function explain(grid: Grid, slot: number, column: Column): Promise<void> {
  const row = grid.store.id(slot) ?? "";
  const told = await get<{ formula: string; steps: Step[] }>(grid, `${encodeURIComponent(row)}/cells/${encodeURIComponent(column.id)}/explain`);
  if (!told) return;
  const chars = Array.from(told.formula);
  const code = h("pre", { class: "g-explained" });
  const mark = (step: Step | null): void => {
    const cut = (from: number, to: number): string => chars.slice(from, to).join("");
    code.replaceChildren(...(step ? [cut(0, step.start), h("mark", {}, cut(step.start, step.end)), cut(step.end, chars.length)] : [told.formula]));
  };
  // A constant explains itself.
  const steps = told.steps.filter((step) => !/^(?:"[^"]*"|'[^']*'|[\d.]+)$/.test(step.source.trim()));
  const lines = steps.map((step, i) => {
    const line = h("button", { type: "button", class: `g-step${i === steps.length - 1 ? " is-last" : ""}` }, h("code", {}, step.source), h("span", { class: "g-step-to" }, step.text === "" ? "(blank)" : showAmount(step.text)));
    for (const kind of ["pointerenter", "focus"]) line.addEventListener(kind, () => mark(step));
    return h("li", {}, line);
  });
  mark(null);
  show(grid, `How ${column.name} is worked out`, nameOf(grid, slot), code, h("ol", { class: "g-steps", "aria-label": "Steps, inner ones first" }, ...lines));
}

interface Why { readonly in_view: boolean; readonly conditions: readonly { readonly text: string; readonly actual?: string; readonly holds: boolean; readonly depth?: number }[] }

async function why(grid: Grid, slot: number): Promise<void> {
  const row = grid.store.id(slot) ?? "";
  const { config } = grid;
  // What is changed here counts, not only what is saved.
  const own: Filter | undefined = "filter" in config.unsaved ? (config.now.filter ?? { all: [] }) : undefined;
  const query = own ? `filter=${encodeURIComponent(JSON.stringify(own))}` : config.view ? `view=${encodeURIComponent(config.view.id)}` : "";
  const told = await get<Why>(grid, `${encodeURIComponent(row)}/why?${query}`);
  if (!told) return;
  const search = config.search ? [h("p", { class: "muted small" }, `It also has “${config.search}” in one of its fields.`)] : [];
  const list = h("ul", { class: "g-why" }, ...told.conditions.map((it) => h("li", { class: `${it.holds ? "holds" : "fails"} depth-${it.depth ?? 0}` },
    h("span", { class: "g-why-mark", role: "img", "aria-label": it.holds ? "Holds" : "Does not hold" }, it.holds ? "✓" : "✗"), h("span", {}, it.text), ...(it.actual ? [h("span", { class: "muted" }, `it has ${it.actual}`)] : []))));
  const view = config.view?.name ?? "this view";
  const verdict = told.in_view ? `It is in ${view}${told.conditions.length === 0 ? ": the view has no filter, so every row that is not archived is." : " because:"}` : `It is no longer in ${view}. It stays until you refresh.`;
  const actions = grid.table.left.has(slot) ? [button("Refresh the view", () => { dialog.close(); grid.refresh(); })] : [];
  const dialog = show(grid, "Why is this row here?", nameOf(grid, slot), h("p", { class: told.in_view ? "" : "g-warned" }, verdict), ...(told.conditions.length > 0 ? [list] : []), ...search, ...actions);
}
