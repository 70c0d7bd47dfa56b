import { button, h, icon, iconButton } from "../dom";
import type { Grid } from "../grid";
import { hide, listed, move } from "./columns";
import { grip, popup, reorderable, type Place } from "./popup";
import { TYPE_NAMES } from "./types";

/** Which fields the view shows, and in which order. */
export function openFields(grid: Grid, at: Place): void {
  const pop = popup(grid, "fields", "Fields", at, () => grid.follow.delete(draw));
  if (!pop) return;
  const search = h("input", { class: "input g-in", type: "search", placeholder: "Find a field", "aria-label": "Find a field", autofocus: true });
  const list = h("ul", { class: "g-list g-fieldlist", "aria-label": "Fields" });
  const count = h("span", { class: "g-result", role: "status" });
  const matching = (): ReturnType<typeof listed> => {
    const wanted = search.value.trim().toLowerCase();
    return listed(grid.store.columns, grid.config.now).filter((it) => it.column.name.toLowerCase().includes(wanted));
  };
  const setAll = (to: boolean): void => {
    const ids = new Set(matching().filter((it) => to || !it.column.derived || !it.hidden).map((it) => it.column.id));
    grid.config.set({ columns: hide(grid.store.columns, grid.config.now, ids, to) });
  };
  let drawn = "";
  function draw(): void {
    const all = matching();
    const key = JSON.stringify(all.map((it) => [it.column.id, it.column.name, it.hidden]));
    if (key === drawn) return;
    drawn = key;
    const active = document.activeElement instanceof HTMLElement && list.contains(document.activeElement) ? document.activeElement.dataset["at"] : undefined;
    list.replaceChildren(...all.map(({ column, hidden, isTitle }) => {
      const box = h("input", { type: "checkbox", class: "g-switch", role: "switch", "aria-label": `Show ${column.name}`, disabled: isTitle, "data-at": `show/${column.id}` });
      box.checked = !hidden;
      box.addEventListener("change", () => grid.config.set({ columns: hide(grid.store.columns, grid.config.now, new Set([column.id]), !box.checked) }));
      const row = h("li", { class: `g-list-row${hidden ? " is-off" : ""}`, ...(isTitle && { "data-fixed": "" }) },
        isTitle ? h("span", { class: "g-grip", "aria-hidden": "true" }, icon("lock")) : grip(column.name),
        h("label", { class: "g-field-label" }, box, h("span", { class: "clip" }, column.name), h("small", { class: "muted" }, column.derived ? "worked out" : TYPE_NAMES[column.type])));
      const handle = row.querySelector<HTMLElement>("[data-grip]");
      if (handle) handle.dataset["at"] = `grip/${column.id}`;
      if (!column.derived) row.append(iconButton("edit", `Edit field ${column.name}`, () => {
        pop?.close(false);
        grid.menu("field", { column: column.id });
      }));
      return row;
    }));
    if (all.length === 0) list.append(h("li", { class: "g-none muted" }, "No field is called that."));
    if (active) list.querySelector<HTMLElement>(`[data-at="${CSS.escape(active)}"]`)?.focus();
    const shown = listed(grid.store.columns, grid.config.now).filter((it) => !it.hidden).length;
    count.textContent = `${shown} of ${grid.store.columns.length} shown`;
  }
  search.addEventListener("input", draw);
  reorderable(list, (from, to) => {
    // The title stands first and does not move: it is no line of the list that does.
    const all = matching().filter((it) => !it.isTitle);
    const it = all[from];
    if (!it) return;
    const rest = all.filter((other) => other !== it);
    grid.config.set({ columns: move(grid.store.columns, grid.config.now, it.column.id, rest[to]?.column.id ?? null) });
    grid.speaker.say(`${it.column.name} is now field ${to + 2}`);
  });
  pop.body.append(h("div", { class: "g-list-head" }, search), list);
  pop.element.append(h("footer", { class: "g-pop-foot" }, count, button("Hide all", () => setAll(true), "button button-small button-quiet"), button("Show all", () => setAll(false), "button button-small button-quiet"),
    button("+ New field", () => { pop.close(false); grid.menu("field", {}); }, "button button-small")));
  grid.follow.add(draw);
  draw();
  pop.place();
  search.focus();
}
