import { h } from "../dom";
import type { Grid } from "../grid";
import { copied, read } from "../values";
import type { Column, ColumnType, Options, Value } from "../wire";
import { picker } from "./condition";
import { select } from "./popup";

/** What a new row begins with, in the field's own kind of value. */
export function defaultField(grid: Grid, type: ColumnType, options: Options, change: (value: Value) => void): HTMLElement | null {
  const column: Column = { id: "", name: "Default", type, options, position: 0, hidden: false };
  const now: Value = options.default ?? null;
  switch (type) {
    case "formula": case "contacts": return null;
    case "checkbox": return select("Default", [["", "Unchecked"], ["yes", "Checked"]], now === true ? "yes" : "", (to) => change(to === "yes" ? true : null), "select");
    case "select": case "user": return picker(type === "user" ? { ...column, type: "select", options: { choices: grid.store.users.map((it) => ({ ...it, color: "person" })) } } : column, grid.store, false, now, "Default", (to) => change((to as Value | undefined) ?? null));
    case "multi_select": case "funds": return picker(column, grid.store, true, now, "Default", (to) => change((to as Value | undefined) ?? null));
    default: {
      const input = h("input", { class: "input", "aria-label": "Default", placeholder: "None", autocomplete: "off", type: type === "date" ? "date" : "text" });
      input.value = type === "date" || type === "date_time" ? String(now ?? "") : copied(column, now, grid.store);
      const note = h("p", { class: "error-text", role: "alert", hidden: true });
      input.addEventListener("change", () => {
        const got = read(column, input.value, grid.store, Date.now(), true);
        note.hidden = !("why" in got);
        note.textContent = "why" in got ? got.why : "";
        if (!("why" in got)) change(got.value);
      });
      return h("div", {}, input, note);
    }
  }
}
