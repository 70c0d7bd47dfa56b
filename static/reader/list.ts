/** The list of all investors. */

import { FIRST, type Archive } from "./data";
import { el, link } from "./dom";
import { find } from "./find";

const PAGE = 100;

export interface ListState {
  text: string;
  by: number | null;
  descending: boolean;
  archived: boolean;
  shown: number;
}

export const listState: ListState = { text: "", by: null, descending: false, archived: false, shown: PAGE };

/** Draws the list; what it returns draws the rows again. */
export function drawList(main: HTMLElement, archive: Archive): () => void {
  const { head, rows } = archive;
  const listed = head.columns.map((column, at) => ({ column, at })).filter(({ column, at }) => column.listed || at === 0);
  const search = el("input", { type: "search", id: "search", autocomplete: "off", placeholder: "Any word in any field", value: listState.text });
  search.value = listState.text;
  const archived = el("input", { type: "checkbox", id: "archived" });
  archived.checked = listState.archived;
  const count = el("p", { class: "count", role: "status" });
  const body = el("tbody");
  const more = el("button", { type: "button", class: "button" }, "Show more");
  const sorters: HTMLTableCellElement[] = [];

  const rowOf = (at: number): HTMLTableRowElement => {
    const row = rows[at]!;
    const cells = listed.map(({ column, at: place }, n) => {
      const text = String(row[FIRST + place] ?? "");
      if (n === 0) return el("th", { scope: "row" }, link(`#/i/${at + 1}`, text || "Unnamed investor"));
      return el("td", { "data-label": column.name, class: column.kind === "number" ? "number" : "" }, text);
    });
    return el("tr", {}, ...cells);
  };

  // On a phone rows are cards without a head: there one chooses from a list.
  const sorting = el("select", { id: "sorting" }, el("option", { value: "" }, "The archive's order"));
  for (const { column, at } of listed) {
    const [up, down] = column.kind === "number" ? ["smallest first", "largest first"] : column.kind === "date" ? ["earliest first", "latest first"] : ["A to Z", "Z to A"];
    sorting.append(el("option", { value: String(at) }, `${column.name}, ${up}`), el("option", { value: `-${at}` }, `${column.name}, ${down}`));
  }
  sorting.addEventListener("change", () => {
    const { value } = sorting;
    listState.descending = value.startsWith("-");
    listState.by = value === "" ? null : Math.abs(Number(value));
    again();
  });

  let found: number[] = [];
  const draw = (): void => {
    found = find(rows, head.columns, listState);
    const part = found.slice(0, listState.shown);
    body.replaceChildren(...part.map(rowOf));
    more.hidden = part.length === found.length;
    const loading = rows.length < head.rows ? ` · ${rows.length.toLocaleString("en")} of ${head.rows.toLocaleString("en")} loaded` : "";
    const investors = found.length === 1 ? "investor" : "investors";
    count.textContent = `${found.length.toLocaleString("en")} ${investors}${loading}`;
    sorting.value = listState.by === null ? "" : `${listState.descending ? "-" : ""}${listState.by}`;
    for (const [n, sorter] of sorters.entries()) {
      const isBy = listed[n]!.at === listState.by;
      sorter.setAttribute("aria-sort", !isBy ? "none" : listState.descending ? "descending" : "ascending");
    }
  };
  const again = (): void => { listState.shown = PAGE; draw(); };

  for (const { column, at } of listed) {
    const button = el("button", { type: "button", class: "sort" }, column.name);
    button.addEventListener("click", () => {
      // Up, down, and back to the archive's own order.
      if (listState.by !== at) { listState.by = at; listState.descending = false; }
      else if (!listState.descending) listState.descending = true;
      else { listState.by = null; listState.descending = false; }
      again();
    });
    sorters.push(el("th", { scope: "col", class: column.kind === "number" ? "number" : "" }, button));
  }
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => { listState.text = search.value; again(); }, rows.length > 5_000 ? 200 : 40);
  });
  archived.addEventListener("change", () => { listState.archived = archived.checked; again(); });
  more.addEventListener("click", () => {
    const first = listState.shown;
    listState.shown += PAGE;
    const part = found.slice(first, listState.shown).map(rowOf);
    body.append(...part);
    more.hidden = listState.shown >= found.length;
    part[0]?.querySelector("a")?.focus();
  });

  main.replaceChildren(
    el("h1", {}, "Investors"),
    head.funds.length > 0 && el("p", { class: "lead" }, head.funds.join(" · ")) || "",
    el("div", { class: "tools", role: "search" },
      el("label", { class: "field", for: "search" }, "Search", search),
      el("label", { class: "field sorting", for: "sorting" }, "Sort by", sorting),
      el("label", { class: "tick" }, archived, "Archived ones")),
    count,
    el("div", { class: "table-box", role: "region", "aria-label": "Investors", tabindex: "0" },
      el("table", {}, el("thead", {}, el("tr", {}, ...sorters)), body)),
    el("div", { class: "more" }, more),
  );
  draw();
  return draw;
}
