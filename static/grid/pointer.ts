import { GUTTER } from "./config";
import { drag, h } from "./dom";
import { autoscroll, startFill } from "./fillhandle";
import type { Grid } from "./grid";

/** Mouse, pen and finger on the table and its heads. */
export function listen(grid: Grid): void {
  const { scroller } = grid.view;
  scroller.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.target as HTMLElement).closest(".ge, .g-add, .g-addcol, .g-caret, .g-rename")) return;
    if ((event.target as HTMLElement).closest(".g-freeze")) return startFreeze(grid, event);
    const resize = (event.target as HTMLElement).closest<HTMLElement>("[data-resize]")?.dataset["resize"];
    if (resize) return startResize(grid, resize, event);
    if (event.target === grid.overlay.handle) {
      event.preventDefault();
      return startFill(grid);
    }
    const hit = grid.view.hit(event.clientX, event.clientY);
    const sum = (event.target as HTMLElement).closest<HTMLElement>("[data-sum]");
    if (sum) {
      event.preventDefault();
      return grid.menu("summary", { column: sum.dataset["sum"], anchor: sum });
    }
    if (hit.part === "foot" || event.clientX > scroller.getBoundingClientRect().left + scroller.clientWidth) return;
    if (event.pointerType !== "touch") event.preventDefault();
    grid.editors.flush();
    grid.focus();
    if (hit.part === "head") return pressHead(grid, event, hit.x, hit.column);
    if (hit.line < 0 || hit.line >= grid.table.lines.length) return;
    const group = grid.table.group(hit.line);
    if (group >= 0) {
      grid.table.toggle(group);
      grid.view.refresh();
      grid.move(hit.line, 0);
      return;
    }
    if (hit.part === "gutter") return pressGutter(grid, hit.line, hit.x, event);
    grid.move(hit.line, hit.column, event.shiftKey);
    if (event.pointerType !== "touch") startSelect(grid);
  });
  scroller.addEventListener("dblclick", (event) => {
    const target = event.target as HTMLElement;
    if (target.closest(".ge")) return;
    const resize = target.closest<HTMLElement>("[data-resize]")?.dataset["resize"];
    if (resize) return fit(grid, resize);
    const hit = grid.view.hit(event.clientX, event.clientY);
    if (hit.part === "cell") void grid.editors.edit();
    else if (hit.part === "head" && hit.x >= GUTTER && !target.closest(".g-addcol")) grid.menu("rename", { column: grid.table.columns[hit.column]?.column.id });
  });
  scroller.addEventListener("click", (event) => {
    const target = event.target as HTMLElement;
    const caret = target.closest<HTMLElement>("[data-caret]");
    const add = target.closest<HTMLElement>("[data-addcol]");
    if (caret) grid.menu("column", { column: caret.dataset["caret"], anchor: caret });
    else if (add) grid.menu("field", { anchor: add });
  });
  scroller.addEventListener("contextmenu", (event) => {
    const target = event.target as HTMLElement;
    if (target.closest(".ge")) return;
    const hit = grid.view.hit(event.clientX, event.clientY);
    const at = { x: event.clientX, y: event.clientY };
    if (hit.part === "head" && hit.x >= GUTTER) grid.menu("column", { column: grid.table.columns[hit.column]?.column.id, ...at });
    else if ((hit.part === "cell" || hit.part === "gutter") && grid.table.slot(hit.line) >= 0) {
      const { top, bottom, left, right } = grid.selection.rect;
      const isInside = hit.line >= top && hit.line <= bottom && hit.column >= left && hit.column <= right;
      if (!isInside) grid.move(hit.line, hit.part === "cell" ? hit.column : grid.selection.anchor.column);
      grid.menu("cell", at);
    } else return;
    event.preventDefault();
  });
  scroller.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const hit = grid.view.hit(event.clientX, event.clientY);
    grid.view.hover(hit.part === "cell" || hit.part === "gutter" ? hit.line : -1);
  });
  scroller.addEventListener("pointerleave", () => grid.view.hover(-1));
}

function startSelect(grid: Grid): void {
  let pointer: PointerEvent | null = null;
  const follow = (): void => {
    if (!pointer) return;
    const hit = grid.view.hit(pointer.clientX, pointer.clientY);
    grid.selection.extend(Math.max(0, Math.min(grid.table.lines.length - 1, hit.line)), Math.max(0, hit.column));
    grid.drawSelection();
  };
  const timer = setInterval(() => { if (pointer && autoscroll(grid, pointer)) follow(); }, 30);
  drag((event) => { pointer = event; follow(); }, () => {
    clearInterval(timer);
    if (!grid.selection.isSingle) grid.announce();
  });
}

let lastPicked = -1;

/** The left of the gutter ticks the row (with Shift a stretch), the right opens it. */
function pressGutter(grid: Grid, line: number, x: number, event: PointerEvent): void {
  const slot = grid.table.slot(line);
  if (x > GUTTER - 28) {
    grid.move(line, grid.selection.anchor.column);
    grid.expand(slot);
    return;
  }
  const on = !grid.table.picked.has(slot);
  const from = event.shiftKey && lastPicked >= 0 ? lastPicked : line;
  for (const it of grid.table.slots(Math.min(from, line), Math.max(from, line))) {
    if (on) grid.table.picked.add(it);
    else grid.table.picked.delete(it);
  }
  lastPicked = line;
  grid.view.paint(true);
  for (const follower of grid.follow) follower();
}

function pressHead(grid: Grid, event: PointerEvent, x: number, column: number): void {
  if (x < GUTTER) {
    const all = grid.table.picked.size < grid.table.rows;
    if (all) for (const slot of grid.table.slots(0, grid.table.lines.length - 1)) grid.table.picked.add(slot);
    else grid.table.picked.clear();
    grid.view.paint(true);
    for (const follower of grid.follow) follower();
    return;
  }
  const it = grid.table.columns[column];
  if (!it) return;
  const begin = event.clientX;
  const mark = h("div", { class: "g-drop", hidden: true });
  grid.root.append(mark);
  let to = -1;
  drag((move) => {
    if (Math.abs(move.clientX - begin) < 6 && to < 0) return;
    if (column === 0) return;
    const frame = grid.view.scroller.getBoundingClientRect();
    const over = grid.view.hit(move.clientX, move.clientY).column;
    const g = grid.view.geometry;
    const left = g.left(over) - (over < g.pinned ? 0 : grid.view.scroller.scrollLeft);
    const after = move.clientX - frame.left > left + g.widthOf(over) / 2;
    to = Math.max(1, over + (after ? 1 : 0));
    const edgeX = to > over ? left + g.widthOf(over) : left;
    mark.hidden = false;
    mark.style.left = `${edgeX + frame.left - grid.root.getBoundingClientRect().left - 1}px`;
    mark.style.top = `${frame.top - grid.root.getBoundingClientRect().top}px`;
    mark.style.height = `${frame.height}px`;
  }, (end) => {
    mark.remove();
    if (end && to >= 0 && to !== column && to !== column + 1) {
      grid.config.moveColumn(it.column.id, grid.table.columns[to]?.column.id ?? null, grid.store.columns);
      grid.move(grid.line, to > column ? to - 1 : to);
    } else if (end && to < 0) {
      grid.selection.span({ top: 0, bottom: grid.table.lines.length - 1, left: column, right: column });
      grid.drawSelection();
      grid.announce();
    }
  });
}

function startResize(grid: Grid, id: string, event: PointerEvent): void {
  event.preventDefault();
  const start = grid.table.columns.find((it) => it.column.id === id)?.width ?? 150;
  let frame = 0;
  drag((move) => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => grid.config.setWidth(id, start + move.clientX - event.clientX));
  }, () => undefined);
}

/** Drags the line behind the frozen columns. */
function startFreeze(grid: Grid, event: PointerEvent): void {
  event.preventDefault();
  const frame = grid.view.scroller.getBoundingClientRect();
  const top = grid.root.getBoundingClientRect();
  const mark = h("div", { class: "g-drop" });
  grid.root.append(mark);
  let frozen = grid.view.geometry.pinned;
  drag((move) => {
    const g = grid.view.geometry;
    frozen = g.frozenAt(move.clientX - frame.left);
    mark.style.left = `${frame.left - top.left + (frozen === 0 ? GUTTER : g.right(frozen - 1)) - 1}px`;
    mark.style.top = `${frame.top - top.top}px`;
    mark.style.height = `${frame.height}px`;
  }, (end) => {
    mark.remove();
    if (end && frozen !== grid.view.geometry.pinned) grid.config.set({ frozen });
  });
}

/** As wide as what is on the screen needs. */
function fit(grid: Grid, id: string): void {
  const index = grid.table.columns.findIndex((it) => it.column.id === id);
  let width = 60;
  for (let line = 0; line < grid.table.lines.length; line++) {
    const cell = grid.view.cell(line, index);
    if (cell) width = Math.max(width, contentWidth(cell));
  }
  const head = grid.view.header.head.querySelector<HTMLElement>(`[data-column="${CSS.escape(id)}"] .g-name`);
  grid.config.setWidth(id, Math.min(480, Math.max(width, (head ? contentWidth(head) : 0) + 4)));
}

function contentWidth(element: HTMLElement): number {
  const range = document.createRange();
  range.selectNodeContents(element);
  return Math.ceil(range.getBoundingClientRect().width) + 22;
}
