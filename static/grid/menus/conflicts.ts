import { button, h, openDialog } from "../dom";
import { fieldValue } from "../fields";
import type { Grid } from "../grid";
import { text } from "../values";
import type { Conflict, Value } from "../wire";

let open: HTMLDialogElement | null = null;

/** Both values of each cell that somebody else changed meanwhile; nothing is lost until decided. */
export function showConflicts(grid: Grid): void {
  if (open) return;
  const dialog = h("dialog", { class: "g-dialog g-wide", "aria-label": "Conflicts" });
  open = dialog;
  const decide = (all: readonly Conflict[], mine: boolean): void => {
    for (const conflict of all) grid.ops.decide(conflict, mine);
    if (grid.ops.conflicts.length === 0) dialog.close();
    else draw();
  };
  const draw = (): void => {
    const all = grid.ops.conflicts;
    dialog.replaceChildren(
      h("h2", {}, all.length === 1 ? "Somebody changed this meanwhile" : `Somebody changed ${all.length} cells meanwhile`),
      h("p", { class: "muted" }, "Their value is in the grid now. Yours is kept here until you decide."),
      ...all.slice(0, 100).map((conflict) => one(grid, conflict, decide)),
      h("div", { class: "actions" },
        ...(all.length > 1 ? [button("Keep all mine", () => decide(all, true), "button"), button("Keep all theirs", () => decide(all, false), "button")] : []),
        button("Decide later", () => dialog.close(), "button button-quiet")));
  };
  draw();
  dialog.addEventListener("close", () => { open = null; grid.focus(); });
  openDialog(dialog);
}

function one(grid: Grid, conflict: Conflict, decide: (all: readonly Conflict[], mine: boolean) => void): HTMLElement {
  const { store } = grid;
  const slot = store.slot(conflict.row);
  const title = store.title;
  const name = (slot !== undefined && title && text(title, store.value(slot, title.id), store)) || "A row";
  const column = conflict.column ? store.column(conflict.column) : undefined;
  const who = store.users.find((it) => conflict.by === it.id || conflict.by === `user:${it.id}`)?.name ?? (conflict.by || "Somebody");
  const side = (label: string, value: Value, keep: string, mine: boolean): HTMLElement => {
    const parts = column ? fieldValue(column, value, store, false) : [];
    return h("div", {}, h("p", { class: "muted small" }, label), h("p", { class: "g-side" }, ...(parts.length > 0 ? parts : ["Empty"])), button(keep, () => decide([conflict], mine), mine ? "button button-small button-primary" : "button button-small"));
  };
  const at = new Date(conflict.at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  if (!column) return h("section", { class: "g-conflict" }, h("h3", {}, `${name} is gone`), h("p", {}, `${who} removed it, ${at}.`), button("Understood", () => decide([conflict], false)));
  return h("section", { class: "g-conflict" }, h("h3", {}, `${name} · ${column.name}`),
    h("div", { class: "versus" }, side("Yours", conflict.yours, "Keep mine", true), side(`${who}, ${at}`, conflict.theirs, "Keep theirs", false)));
}
