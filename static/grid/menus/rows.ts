import { selected } from "../copy";
import { button, h, openDialog } from "../dom";
import { openEditor, ready } from "../editors/open";
import type { Grid } from "../grid";
import type { Trace } from "../shelf";
import { isEditable, shownAs } from "../values";
import type { Operation, Value } from "../wire";

/** The bar over the table while rows are ticked: what can be done to all of them. */
export function rowBar(grid: Grid): { element: HTMLElement; draw: () => void } {
  const count = h("strong", { "aria-live": "polite" });
  const lists = grid.store.column("@list")?.options.choices ?? [];
  const move = h("select", { class: "select g-small", "aria-label": "Move to list" }, h("option", { value: "" }, "Move to…"), ...lists.map((it) => h("option", { value: it.id }, it.name)));
  move.addEventListener("change", () => {
    const list = move.value;
    move.value = "";
    const name = lists.find((it) => it.id === list)?.name ?? list;
    if (list) ask(grid, `Move ${many(grid)} to ${name}`, "Why (may be empty)", false, (reason) => {
      act(grid, `Moved to ${name}`, (row) => ({ op: "move", row, list, reason }), (row, slot) => ({ row, column: "@list", before: grid.store.value(slot, "@list"), after: list }));
    });
  });
  const bar = h("div", { class: "g-rowbar", role: "toolbar", "aria-label": "Ticked rows", hidden: true }, count, move,
    button("Set a field…", () => setField(grid)),
    button("Copy", () => void copyRows(grid)),
    button("Archive…", () => ask(grid, `Archive ${many(grid)}`, "Reason", true, (reason) => act(grid, "Archived", (row) => ({ op: "archive", row, reason })))),
    button("Delete…", () => ask(grid, `Delete ${many(grid)}? History keeps them and undo brings them back.`, null, false, () => act(grid, "Deleted", (row) => ({ op: "delete", row }))), "button button-small button-danger"),
    button("Clear", () => { grid.table.picked.clear(); grid.view.paint(true); draw(); grid.focus(); }, "button button-small button-quiet"));
  const draw = (): void => {
    bar.hidden = grid.table.picked.size === 0;
    grid.root.classList.toggle("has-picked", !bar.hidden);
    const to = `${grid.table.picked.size} ticked`;
    if (count.textContent !== to) count.textContent = to;
  };
  grid.follow.add(draw);
  draw();
  return { element: bar, draw };
}

function many(grid: Grid): string {
  return `${grid.table.picked.size} ${grid.table.picked.size === 1 ? "row" : "rows"}`;
}

function act(grid: Grid, label: string, operation: (row: string) => Operation, trace?: (row: string, slot: number) => Trace): void {
  const rows = [...grid.table.picked].flatMap((slot) => {
    const row = grid.store.id(slot);
    return row ? [{ row, slot }] : [];
  });
  grid.run(rows.map(({ row }) => operation(row)), `${label} ${rows.length} ${rows.length === 1 ? "row" : "rows"}`, trace ? rows.map(({ row, slot }) => trace(row, slot)) : []);
  grid.table.picked.clear();
  grid.view.paint(true);
  for (const follower of grid.follow) follower();
  grid.focus();
}

function ask(grid: Grid, title: string, field: string | null, required: boolean, then: (text: string) => void): void {
  const input = h("input", { class: "input", "aria-label": field ?? "", placeholder: field ?? "", maxlength: 1000, required });
  const form = h("form", { method: "dialog", class: "form" }, h("h2", {}, title), ...(field ? [input] : []),
    h("div", { class: "actions" }, h("button", { class: "button button-primary" }, "Do it")));
  const dialog = h("dialog", { class: "g-dialog", "aria-label": title }, form);
  form.querySelector(".actions")?.append(button("Cancel", () => dialog.close(), "button button-quiet"));
  form.addEventListener("submit", () => then(input.value.trim()));
  dialog.addEventListener("close", () => grid.focus());
  openDialog(dialog);
}

async function copyRows(grid: Grid): Promise<void> {
  grid.focus();
  if (!document.execCommand("copy")) await navigator.clipboard?.writeText(selected(grid));
  grid.speaker.notify(`Copied ${many(grid)}`);
}

/** One field of all ticked rows, with the field's own editor. */
function setField(grid: Grid): void {
  const columns = grid.store.columns.filter((it) => isEditable(it) && !it.derived);
  const choose = h("select", { class: "select", "aria-label": "Field" }, ...columns.map((it) => h("option", { value: it.id }, it.name)));
  const place = h("div", { class: "g-setfield" });
  const dialog = h("dialog", { class: "g-dialog", "aria-label": "Set a field" }, h("h2", {}, `Set one field of ${many(grid)}`), choose, place);
  const write = (value: Value): void => {
    const column = grid.store.column(choose.value);
    const slots = [...grid.table.picked];
    dialog.close();
    if (column) grid.edit(slots.map((slot) => ({ slot, column: column.id, value })), `Set ${column.name} of ${slots.length} rows`);
  };
  const draw = async (): Promise<void> => {
    const column = grid.store.column(choose.value);
    if (!column) return;
    await ready(column.type)?.catch(() => undefined);
    if (shownAs(column) === "checkbox") {
      place.replaceChildren(button("Check", () => write(true), "button"), button("Uncheck", () => write(null), "button"));
      return;
    }
    const editor = openEditor({ column, value: null, seed: undefined, names: grid.store, label: column.name, commit: (value, go) => { if (go !== "stay" || column.type === "select" || column.type === "user") write(value); }, cancel: () => dialog.close() });
    place.replaceChildren(editor.element);
    editor.focus.focus();
  };
  choose.addEventListener("change", () => void draw());
  dialog.append(h("p", { class: "muted small" }, "Enter sets the value in all rows. One undo takes it back."));
  dialog.addEventListener("close", () => grid.focus());
  openDialog(dialog);
  void draw();
}
