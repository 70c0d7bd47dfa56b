import { drag } from "./dom";
import { series } from "./fill";
import type { Grid } from "./grid";
import type { Rect } from "./selection";
import { isEditable } from "./values";
import type { Value } from "./wire";

/** Writes the series of `source` rows into `to` rows, column by column. */
function fillRows(grid: Grid, source: Rect, to: readonly number[], at: (i: number) => number): void {
  const from = grid.table.slots(source.top, source.bottom);
  if (from.length === 0) return;
  const edits = grid.table.columns.slice(source.left, source.right + 1).flatMap(({ column }) => {
    if (!isEditable(column)) return [];
    const next = series(column, from.map((slot): Value => grid.store.value(slot, column.id)));
    return to.map((slot, i) => ({ slot, column: column.id, value: next(at(i)) }));
  });
  grid.edit(edits, `Filled ${edits.length} cells`);
}

/** Ctrl+D: the first selected row into the others; on one row, the row above into it. */
export function fillDown(grid: Grid): void {
  const { rect } = grid.selection;
  const top = rect.top === rect.bottom ? Math.max(0, rect.top - 1) : rect.top;
  fillRows(grid, { ...rect, top, bottom: top }, grid.table.slots(top + 1, rect.bottom), () => 0);
}

/** Dragging the handle continues the selection, or repeats it sideways. */
export function startFill(grid: Grid): void {
  const source = grid.selection.rect;
  let target: Rect = source;
  let pointer: PointerEvent | null = null;
  const follow = (): void => {
    if (!pointer) return;
    const hit = grid.view.hit(pointer.clientX, pointer.clientY);
    const line = Math.max(0, Math.min(grid.table.lines.length - 1, hit.line));
    const down = Math.max(0, line - source.bottom);
    const up = Math.max(0, source.top - line);
    const right = Math.max(0, hit.column - source.right);
    if (right > 0 && down === 0 && up === 0) target = { ...source, right: hit.column };
    else target = { ...source, top: source.top - up, bottom: source.bottom + down };
    grid.overlay.fill(target);
  };
  // At the edge the table goes on scrolling while the pointer rests.
  const timer = setInterval(() => {
    if (pointer && autoscroll(grid, pointer)) follow();
  }, 30);
  drag((event) => { pointer = event; follow(); }, (event) => {
    clearInterval(timer);
    grid.overlay.fill(null);
    if (!event) return;
    if (target.right > source.right) fillRight(grid, source, target.right);
    else if (target.bottom > source.bottom) {
      const height = grid.table.slots(source.top, source.bottom).length;
      fillRows(grid, source, grid.table.slots(source.bottom + 1, target.bottom), (i) => height + i);
    } else if (target.top < source.top) {
      const to = grid.table.slots(target.top, source.top - 1);
      fillRows(grid, source, to, (i) => i - to.length);
    } else return;
    grid.selection.span(target);
    grid.drawSelection();
  });
}

/** Scrolls when a drag nears an edge; says whether it did. */
export function autoscroll(grid: Grid, event: PointerEvent): boolean {
  const s = grid.view.scroller;
  const frame = s.getBoundingClientRect();
  const down = event.clientY > frame.bottom - 40 ? 24 : event.clientY < frame.top + 40 ? -24 : 0;
  const pane = frame.left + grid.view.geometry.paneWidth;
  const left = event.clientX > pane - 30 && event.clientX < pane + 20;
  const right = event.clientX > frame.right - 24 ? 24 : left ? -24 : 0;
  if (down === 0 && right === 0) return false;
  s.scrollBy(right, down);
  return true;
}

/** Sideways only what fits both columns is repeated: cells of the same type. */
function fillRight(grid: Grid, source: Rect, to: number): void {
  const width = source.right - source.left + 1;
  const edits = grid.table.slots(source.top, source.bottom).flatMap((slot) =>
    grid.table.columns.slice(source.right + 1, to + 1).flatMap(({ column }, i) => {
      const from = grid.table.columns[source.left + (i % width)]?.column;
      if (!from || from.type !== column.type || !isEditable(column)) return [];
      return [{ slot, column: column.id, value: grid.store.value(slot, from.id) }];
    }));
  grid.edit(edits, `Filled ${edits.length} cells`);
}
