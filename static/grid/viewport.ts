import { cellClass, emptyCell, putText, putValue } from "./cells";
import { GUTTER } from "./config";
import { h } from "./dom";
import { FOOT, Geometry, HEAD } from "./geometry";
import { Header } from "./header";
import type { Table } from "./table";
import { isEditable } from "./values";

/** One line on the screen: its scrolled part and its pinned part. */
interface Strip {
  readonly main: HTMLElement;
  readonly pin: HTMLElement;
  readonly gutter: HTMLElement;
  readonly pins: HTMLElement[];
  readonly cells: HTMLElement[];
  line: number;
  first: number;
  last: number;
}

export interface Hit { readonly line: number; readonly column: number; readonly part: "head" | "gutter" | "cell" | "foot"; readonly x: number }

/** What painting needs to know beyond the table. */
export interface Marks {
  problem(slot: number, column: string): string | undefined;
  isPending(slot: number, column: string): boolean;
}

let count = 0;

/** The window on the table. Line i lies in strip i mod n; strips, cells and pills
    are made once and filled anew, so that scrolling adds nothing to the page. */
export class Viewport {
  readonly scroller: HTMLElement;
  readonly body: HTMLElement;
  readonly pane: HTMLElement;
  readonly header: Header;
  geometry: Geometry;
  /** The line below the last row, where one more can be added. */
  addLine: HTMLElement | null = null;
  /** Runs after each paint: overlays follow. */
  painted: () => void = () => undefined;

  readonly #table: Table;
  readonly #marks: Marks;
  readonly #id = `g${++count}`;
  #strips: Strip[] = [];
  #first = -1;
  #columns: readonly [number, number] = [0, -1];
  #size = { width: 0, height: 0 };
  #frame = 0;

  constructor(table: Table, marks: Marks) {
    this.#table = table;
    this.#marks = marks;
    this.scroller = h("div", { class: "g-scroll", role: "grid", id: `${this.#id}-grid`, tabindex: "-1", "aria-label": "Investors", "aria-multiselectable": "true" });
    this.header = new Header(this.#id);
    this.body = h("div", { class: "g-body", role: "rowgroup" });
    this.pane = h("div", { class: "g-pane", role: "presentation" });
    this.body.append(this.pane);
    this.scroller.append(this.header.head, this.body, this.header.foot);
    this.geometry = new Geometry([], 0, 32, 1000);
    this.scroller.addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
  }

  get rowsInSight(): number {
    return Math.max(1, Math.floor((this.#size.height - HEAD - FOOT) / this.geometry.rowHeight));
  }

  #resized(): void {
    const { clientWidth: width, clientHeight: height } = this.scroller;
    if (width === this.#size.width && height === this.#size.height) return;
    this.#size = { width, height };
    if (width > 0) this.layout();
  }

  /** Lays out columns anew, then paints everything. */
  layout(): void {
    const { config, columns } = this.#table;
    this.#size = { width: this.scroller.clientWidth, height: this.scroller.clientHeight };
    const geometry = new Geometry(columns, config.now.frozen ?? 1, config.rowHeight, this.#size.width || 1000);
    const repinned = geometry.pinned !== this.geometry.pinned;
    this.geometry = geometry;
    if (repinned) this.#drop(0);
    this.scroller.dataset["height"] = config.now.row_height ?? "short";
    this.body.style.width = `${geometry.width}px`;
    this.pane.style.width = `${geometry.paneWidth}px`;
    this.scroller.setAttribute("aria-colcount", String(columns.length + 2));
    this.header.layout(geometry, this.#table);
    this.refresh();
  }

  /** Paints every line again, after rows came, went or moved. */
  refresh(): void {
    const lines = this.#table.lines.length;
    this.body.style.height = `${(lines + 1) * this.geometry.rowHeight}px`;
    if (this.addLine) this.addLine.style.top = `${lines * this.geometry.rowHeight}px`;
    this.addLine?.setAttribute("aria-rowindex", String(lines + 2));
    this.scroller.setAttribute("role", this.#table.groups.length > 0 ? "treegrid" : "grid");
    this.scroller.setAttribute("aria-rowcount", String(lines + 3));
    this.header.summarize(this.#table, lines + 3);
    this.paint(true);
  }

  soon(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.paint(false);
    });
  }

  paint(all: boolean): void {
    const { scrollTop, scrollLeft } = this.scroller;
    const { rowHeight } = this.geometry;
    const lines = this.#table.lines.length;
    const height = this.#size.height - HEAD;
    const wanted = Math.min(lines, Math.ceil(height / rowHeight) + 6);
    const first = Math.max(0, Math.min(lines - wanted, Math.floor(scrollTop / rowHeight) - 3));
    const columns = this.geometry.inSight(scrollLeft, this.#size.width);
    const shifted = columns[0] !== this.#columns[0] || columns[1] !== this.#columns[1];
    if (!all && !shifted && first === this.#first && wanted === this.#strips.length) return;
    this.#columns = columns;
    this.#first = first;
    if (wanted !== this.#strips.length) {
      this.#drop(wanted);
      while (this.#strips.length < wanted) this.#addStrip();
      all = true;
    }
    for (let line = first; line < first + wanted; line++) {
      const strip = this.#strips[line % wanted];
      if (strip && (all || shifted || strip.line !== line)) this.#paintStrip(strip, line, all);
    }
    this.painted();
  }

  /** Paints only lines whose rows changed. */
  paintSlots(slots: ReadonlySet<number>): void {
    for (const strip of this.#strips) {
      if (slots.has(this.#table.lines[strip.line] ?? -1)) this.#paintStrip(strip, strip.line, true);
    }
    this.painted();
  }

  #drop(keep: number): void {
    for (const strip of this.#strips.splice(keep)) {
      strip.main.remove();
      strip.pin.remove();
    }
    this.#first = -1;
  }

  #addStrip(): void {
    const n = this.#strips.length;
    const pinId = `${this.#id}-p${n}`;
    // The row owns the cells of its pinned part. That part is a row of the same
    // index by itself, for whoever does not follow aria-owns.
    const own = [`${pinId}-h`, ...Array.from({ length: this.geometry.pinned }, (_, k) => `${pinId}-${k}`)];
    const main = h("div", { class: "g-row", role: "row", "aria-owns": own.join(" ") });
    const pin = h("div", { class: "g-row", role: "row", id: pinId });
    const gutter = emptyCell(h("div", { class: "g-gutter", role: "rowheader", id: `${pinId}-h`, "aria-colindex": 1 }));
    pin.append(gutter);
    const pins: HTMLElement[] = [];
    for (let k = 0; k < this.geometry.pinned; k++) {
      pins.push(emptyCell(h("div", { class: "g-c", role: "gridcell", id: `${this.#id}-p${n}-${k}` })));
    }
    pin.append(...pins);
    this.pane.append(pin);
    this.body.append(main);
    this.#strips.push({ main, pin, gutter, pins, cells: [], line: -1, first: -1, last: -2 });
  }

  #paintStrip(strip: Strip, line: number, all: boolean): void {
    const moved = all || strip.line !== line;
    const [first, last] = this.#columns;
    const shifted = all || strip.first !== first || strip.last !== last;
    const entry = this.#table.lines[line] ?? -1;
    if (moved) this.#paintLine(strip, line, entry);
    const n = last - first + 1;
    while (strip.cells.length < n) {
      const cell = emptyCell(h("div", { class: "g-c", role: "gridcell", id: `${strip.pin.id}-c${strip.cells.length}` }));
      strip.cells.push(cell);
      strip.main.append(cell);
    }
    if (moved) strip.pins.forEach((cell, k) => { if (all) this.#placeCell(cell, k); this.#paintCell(cell, entry, k); });
    if (moved || shifted) {
      strip.cells.forEach((cell, k) => {
        if (cell.hidden !== k >= n) cell.hidden = k >= n;
        if (k >= n) return;
        if (shifted) this.#placeCell(cell, first + k);
        this.#paintCell(cell, entry, first + k);
      });
    }
    strip.line = line;
    strip.first = first;
    strip.last = last;
  }

  #paintLine(strip: Strip, line: number, entry: number): void {
    const top = `${line * this.geometry.rowHeight}px`;
    strip.main.style.top = strip.pin.style.top = top;
    strip.main.setAttribute("aria-rowindex", String(line + 2));
    strip.pin.setAttribute("aria-rowindex", String(line + 2));
    const group = entry < 0 ? this.#table.groups[-1 - entry] : undefined;
    let kind = "g-row";
    if (group) kind += ` is-group depth-${group.depth}`;
    else {
      const color = this.#table.colors[entry];
      if (color) kind += ` row-${color}`;
      if (this.#table.left.has(entry)) kind += " is-left";
      if (this.#table.picked.has(entry)) kind += " is-picked";
    }
    if (strip.main.className !== kind) strip.main.className = strip.pin.className = kind;
    if (group) {
      const open = !this.#table.isCollapsed(-1 - entry);
      putText(strip.gutter, open ? "▾" : "▸");
      strip.main.setAttribute("aria-expanded", String(open));
      strip.main.setAttribute("aria-level", String(group.depth + 1));
      strip.gutter.removeAttribute("title");
    } else {
      putText(strip.gutter, String(this.#table.ordinal(line)));
      strip.main.removeAttribute("aria-expanded");
      if (this.#table.groups.length > 0) strip.main.setAttribute("aria-level", String((this.#table.groups.at(-1)?.depth ?? 0) + 2));
      else strip.main.removeAttribute("aria-level");
      if (this.#table.left.has(entry)) strip.gutter.title = "No longer matches this view; stays until you refresh";
      else strip.gutter.removeAttribute("title");
    }
    const selected = String(entry >= 0 && this.#table.picked.has(entry));
    if (strip.main.getAttribute("aria-selected") !== selected) strip.main.setAttribute("aria-selected", selected);
  }

  #placeCell(cell: HTMLElement, column: number): void {
    const it = this.geometry.columns[column];
    if (!it) return;
    cell.style.left = `${this.geometry.left(column)}px`;
    cell.style.width = `${it.width}px`;
    cell.setAttribute("aria-colindex", String(column + 2));
  }

  #paintCell(cell: HTMLElement, entry: number, index: number): void {
    const column = this.geometry.columns[index]?.column;
    if (!column) return;
    let kind = cellClass(column);
    if (entry < 0) {
      const group = this.#table.groups[-1 - entry];
      // A total stands under its figures; the label takes the first cell.
      putText(cell, index === 0 ? `${group?.label || "(empty)"} · ${group?.count ?? 0}` : (group?.subtotals[column.id] ?? ""));
      if (index === 0) kind = group?.color ? `g-c g-label dot-${group.color}` : "g-c g-label";
    } else {
      const problem = this.#marks.problem(entry, column.id);
      if (problem) kind += " is-bad";
      else if (this.#marks.isPending(entry, column.id)) kind += " is-pending";
      if (!this.#table.store.isLoaded(entry)) kind += " is-loading";
      putValue(cell, column, this.#table.store.value(entry, column.id), this.#table.store);
      if (problem) cell.setAttribute("aria-invalid", "true");
      else if (cell.hasAttribute("aria-invalid")) cell.removeAttribute("aria-invalid");
    }
    if (cell.className !== kind) cell.className = kind;
    const fixed = entry < 0 || !isEditable(column);
    if (fixed !== cell.hasAttribute("aria-readonly")) {
      if (fixed) cell.setAttribute("aria-readonly", "true");
      else cell.removeAttribute("aria-readonly");
    }
  }

  /** The painted element of a cell, if it is on the screen. */
  cell(line: number, column: number): HTMLElement | null {
    const strip = this.#strips[line % Math.max(1, this.#strips.length)];
    if (!strip || strip.line !== line) return null;
    if (column < this.geometry.pinned) return strip.pins[column] ?? null;
    return strip.cells[column - strip.first] ?? null;
  }

  hit(clientX: number, clientY: number): Hit {
    const frame = this.scroller.getBoundingClientRect();
    const x = clientX - frame.left;
    const y = clientY - frame.top;
    const line = Math.floor((y - HEAD + this.scroller.scrollTop) / this.geometry.rowHeight);
    const inPane = x < this.geometry.paneWidth;
    const column = this.geometry.columnAt(inPane ? x : x + this.scroller.scrollLeft);
    const part = y < HEAD ? "head" : y > this.scroller.clientHeight - FOOT ? "foot" : x < GUTTER ? "gutter" : "cell";
    return { line, column, part, x };
  }

  /** Scrolls just as far as a cell needs. */
  reveal(line: number, column: number): void {
    const { y, h: height, x, w, pinned } = this.geometry.box(line, column);
    const s = this.scroller;
    const room = s.clientHeight - HEAD - FOOT;
    if (y < s.scrollTop) s.scrollTop = y;
    else if (y + height > s.scrollTop + room) s.scrollTop = y + height - room;
    if (!pinned) {
      const pane = this.geometry.paneWidth;
      if (x - pane < s.scrollLeft) s.scrollLeft = x - pane;
      else if (x + w > s.scrollLeft + s.clientWidth) s.scrollLeft = Math.min(x - pane, x + w - s.clientWidth);
    }
    this.paint(false);
  }

  /** Marks the line under the pointer in both of its parts. */
  hover(line: number): void {
    for (const strip of this.#strips) {
      const on = strip.line === line;
      strip.main.classList.toggle("is-hover", on);
      strip.pin.classList.toggle("is-hover", on);
    }
  }
}
