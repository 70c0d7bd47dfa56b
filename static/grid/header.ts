import { h, icon } from "./dom";
import type { Geometry } from "./geometry";
import type { Table } from "./table";
import { isNumeric } from "./values";
import type { Column } from "./wire";

/** What a head says when one points at it. */
function tip(column: Column): string {
  const { description, formula } = column.options;
  return [column.name, description, formula && `= ${formula}`].filter(Boolean).join("\n");
}

/** The row of column heads, and the summary row at the bottom: one cell a column each. */
export class Header {
  readonly head: HTMLElement;
  readonly foot: HTMLElement;
  readonly #id: string;
  #sums = new Map<string, HTMLElement>();
  #footRow: HTMLElement | null = null;

  constructor(id: string) {
    this.#id = id;
    this.head = h("div", { class: "g-head", role: "rowgroup" });
    this.foot = h("div", { class: "g-foot", role: "rowgroup" });
  }

  layout(geometry: Geometry, table: Table): void {
    this.head.style.width = this.foot.style.width = `${geometry.width}px`;
    const [headRow, headPane] = this.#row(`${this.#id}-hp`, geometry);
    headRow.setAttribute("aria-rowindex", "1");
    headPane.append(h("div", { class: "g-hc g-corner", role: "columnheader", "aria-colindex": 1 }, h("span", { class: "g-corner-box", "aria-hidden": "true" }), h("span", { class: "visually-hidden" }, "Row")));
    const [footRow, footPane] = this.#row(`${this.#id}-fp`, geometry);
    footPane.append(h("div", { class: "g-fc g-corner", role: "gridcell", "aria-colindex": 1 }));
    this.#sums.clear();
    const sorts = new Map((table.config.now.sorts ?? []).map((sort) => [sort.column, sort.descending ? "descending" : "ascending"]));
    geometry.columns.forEach(({ column, width }, index) => {
      const sorted = sorts.get(column.id);
      const label = h("span", { class: "g-name" }, column.name);
      const cell = h(
        "div",
        {
          class: `g-hc${isNumeric(column) ? " num" : ""}`, role: "columnheader", "aria-colindex": index + 2, "data-column": column.id,
          "aria-sort": sorted, title: tip(column),
        },
        label, h("button", { type: "button", class: "g-caret", tabindex: -1, "data-caret": column.id, "aria-label": `Menu of ${column.name}` }, icon("chevron")),
        h("span", { class: "g-resize", "data-resize": column.id }),
      );
      if (column.type === "formula") label.prepend(h("span", { class: "g-fx", "aria-hidden": "true" }, "ƒ "));
      if (sorted) label.append(h("span", { class: "g-sorted", "aria-hidden": "true" }, sorted === "descending" ? " ↓" : " ↑"));
      const sum = h("div", { "data-sum": column.id, class: `g-fc${isNumeric(column) ? " num" : ""}`, role: "gridcell", "aria-colindex": index + 2 });
      for (const it of [cell, sum]) {
        it.style.left = `${geometry.left(index)}px`;
        it.style.width = `${width}px`;
      }
      this.#sums.set(column.id, sum);
      (index < geometry.pinned ? headPane : headRow).append(cell);
      (index < geometry.pinned ? footPane : footRow).append(sum);
    });
    headPane.append(h("span", { class: "g-freeze", title: "Drag to freeze columns" }));
    const add = h("div", { class: "g-hc g-addcol", role: "columnheader", "aria-colindex": geometry.columns.length + 2 },
      h("button", { type: "button", class: "icon-button", "data-addcol": true, "aria-label": "New field", title: "New field" }, icon("plus")));
    add.style.left = `${geometry.end}px`;
    headRow.append(add);
    this.head.replaceChildren(headRow);
    this.foot.replaceChildren(footRow);
    this.#footRow = footRow;
  }

  #row(id: string, geometry: Geometry): [HTMLElement, HTMLElement] {
    const pane = h("div", { class: "g-hpane", role: "presentation", id });
    pane.style.width = `${geometry.paneWidth}px`;
    return [h("div", { class: "g-hrow", role: "row" }, pane), pane];
  }

  summarize(table: Table, rowIndex: number): void {
    this.#footRow?.setAttribute("aria-rowindex", String(rowIndex));
    const first = table.columns[0]?.column.id;
    for (const [id, cell] of this.#sums) {
      const sum = table.summary[id];
      const rows = `${table.total.toLocaleString("en")} ${table.total === 1 ? "row" : "rows"}`;
      const to = sum ? `${sum.kind}${sum.text}` : id === first ? rows : "";
      if (cell.textContent === to) continue;
      if (sum) cell.replaceChildren(h("small", {}, sum.kind), h("span", {}, sum.text));
      else cell.textContent = to;
    }
  }
}
