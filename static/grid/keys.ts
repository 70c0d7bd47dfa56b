import type { Grid } from "./grid";
import { fillDown } from "./fillhandle";
import { edge } from "./selection";

/** What else keys can open. */
export interface Doors {
  find(): void;
  help(): void;
}

/** The keys of the grid, while no editor is open. True means it was one of ours. */
export function onGridKey(grid: Grid, doors: Doors, event: KeyboardEvent): boolean {
  const { selection, table } = grid;
  const ctrl = event.ctrlKey || event.metaKey;
  const { shiftKey: shift, altKey: alt, key } = event;
  const from = shift ? selection.focus : selection.anchor;
  const rows = table.lines.length;
  const columns = table.columns.length;

  if (alt && shift && key.startsWith("Arrow")) return columnKey(grid, key);
  if (key === "ContextMenu" || (shift && key === "F10")) {
    const box = grid.view.cell(grid.line, grid.selection.anchor.column)?.getBoundingClientRect();
    if (grid.slot >= 0) grid.menu("cell", { x: box?.left ?? 0, y: box?.bottom ?? 0 });
    return true;
  }
  if (alt) return key === "ArrowDown" ? (grid.menu("column", { column: grid.column?.id }), true) : false;
  if (ctrl && shift && "fsdFSD".includes(key) && key.length === 1) {
    grid.menu({ f: "filter", s: "sort", d: "group" }[key.toLowerCase()] ?? "filter");
    return true;
  }
  const group = table.group(grid.line);
  if (group >= 0 && !ctrl && !shift) {
    if (key === "Enter" || key === " ") return fold(grid, group);
    if (key === "ArrowLeft" && !table.isCollapsed(group)) return fold(grid, group);
    if (key === "ArrowRight" && table.isCollapsed(group)) return fold(grid, group);
  }

  const jump = (step: 1 | -1, count: number, at: number, filled: (at: number) => boolean): number => (ctrl ? edge(at, step, count, filled) : at + step);
  switch (key) {
    case "ArrowDown": grid.move(jump(1, rows, from.line, (i) => grid.isFilled(i, from.column)), from.column, shift); return true;
    case "ArrowUp": grid.move(jump(-1, rows, from.line, (i) => grid.isFilled(i, from.column)), from.column, shift); return true;
    case "ArrowRight": grid.move(from.line, jump(1, columns, from.column, (i) => grid.isFilled(from.line, i)), shift); return true;
    case "ArrowLeft": grid.move(from.line, jump(-1, columns, from.column, (i) => grid.isFilled(from.line, i)), shift); return true;
    case "PageDown": grid.move(from.line + grid.view.rowsInSight - 1, from.column, shift); return true;
    case "PageUp": grid.move(from.line - grid.view.rowsInSight + 1, from.column, shift); return true;
    case "Home": grid.move(ctrl ? 0 : from.line, 0, shift); return true;
    case "End": grid.move(ctrl ? rows - 1 : from.line, columns - 1, shift); return true;
    case "Tab": return tab(grid, shift);
    case "F2": void grid.editors.edit(); return true;
    case "Enter":
      if (shift) grid.addRow(grid.slot < 0 ? undefined : grid.slot);
      else void grid.editors.edit();
      return true;
    case "Delete": case "Backspace": grid.clear(); return true;
    case "Escape":
      // The next Tab leaves the grid: nobody is caught in it.
      leaving = true;
      selection.place(grid.line, selection.anchor.column);
      grid.drawSelection();
      return true;
    case " ":
      if (ctrl) return false;
      if (shift) pick(grid);
      else if (grid.slot >= 0) grid.expand(grid.slot);
      return true;
    case "?": doors.help(); return true;
    default: return ctrl && ctrlKey(grid, doors, key.toLowerCase(), shift);
  }
}

let leaving = false;

function tab(grid: Grid, back: boolean): boolean {
  const { line, column } = grid.selection.anchor;
  const last = grid.table.columns.length - 1;
  if (leaving || (back ? line === 0 && column === 0 : line === grid.table.lines.length - 1 && column === last)) {
    leaving = false;
    return false;
  }
  if (back) grid.move(column === 0 ? line - 1 : line, column === 0 ? last : column - 1);
  else grid.move(column === last ? line + 1 : line, column === last ? 0 : column + 1);
  return true;
}

function ctrlKey(grid: Grid, doors: Doors, key: string, shift: boolean): boolean {
  switch (key) {
    case "a":
      grid.selection.span({ top: 0, left: 0, bottom: grid.table.lines.length - 1, right: grid.table.columns.length - 1 });
      grid.drawSelection();
      grid.announce();
      return true;
    case "d": fillDown(grid); return true;
    case "f": doors.find(); return true;
    case "z": void (shift ? grid.undo.redo() : grid.undo.undo()); return true;
    case "y": void grid.undo.redo(); return true;
    default: return false;
  }
}

function fold(grid: Grid, group: number): boolean {
  grid.table.toggle(group);
  grid.view.refresh();
  grid.announce();
  return true;
}

/** Ticks the rows that are selected, or takes their ticks away. */
function pick(grid: Grid): void {
  const { top, bottom } = grid.selection.rect;
  const slots = grid.table.slots(top, bottom);
  const all = slots.every((slot) => grid.table.picked.has(slot));
  for (const slot of slots) {
    if (all) grid.table.picked.delete(slot);
    else grid.table.picked.add(slot);
  }
  grid.view.refresh();
  for (const follower of grid.follow) follower();
  grid.speaker.say(`${grid.table.picked.size} rows ticked`);
}

/** Alt+Shift+arrows: left and right move the column, up and down change its width. */
function columnKey(grid: Grid, key: string): boolean {
  const index = grid.selection.anchor.column;
  const it = grid.table.columns[index];
  if (!it) return false;
  if (key === "ArrowUp" || key === "ArrowDown") {
    grid.config.setWidth(it.column.id, it.width + (key === "ArrowUp" ? 16 : -16));
    return true;
  }
  const to = index + (key === "ArrowLeft" ? -1 : 1);
  // The title column leads; nothing goes before it.
  if (index === 0 || to < 1 || to >= grid.table.columns.length) return true;
  const before = grid.table.columns[key === "ArrowLeft" ? to : to + 1]?.column.id ?? null;
  grid.config.moveColumn(it.column.id, before, grid.store.columns);
  grid.move(grid.line, to);
  grid.speaker.say(`${it.column.name} is now column ${to + 1}`);
  return true;
}

/** What is typed opens the editor; a composition is finished first. */
export function listen(grid: Grid, doors: Doors): void {
  const { input } = grid;
  let composing = false;
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || composing) return;
    if (event.key !== "Tab" && event.key !== "Escape" && event.key !== "Shift") leaving = false;
    if (!onGridKey(grid, doors, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  const begin = (): void => {
    const typed = input.value;
    input.value = "";
    if (typed) void grid.editors.edit(typed);
  };
  input.addEventListener("compositionstart", () => {
    composing = true;
    input.classList.add("is-composing");
    const cell = grid.view.cell(grid.line, grid.selection.anchor.column)?.getBoundingClientRect();
    const root = grid.root.getBoundingClientRect();
    if (!cell) return;
    input.style.left = `${cell.left - root.left}px`;
    input.style.top = `${cell.top - root.top}px`;
    input.style.width = `${cell.width}px`;
    input.style.height = `${cell.height}px`;
  });
  input.addEventListener("compositionend", () => {
    composing = false;
    input.classList.remove("is-composing");
    begin();
  });
  input.addEventListener("input", () => { if (!composing) begin(); });
}
