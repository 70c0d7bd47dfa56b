// The menu of a column's head, and what it leads to.
import type { Opening } from "../doors";
import { h } from "../dom";
import type { Grid } from "../grid";
import type { Column } from "../wire";
import { hide, move } from "./columns";
import { openField } from "./field";
import { directions, groupable } from "./order";
import { menu, offer, type Item, type Place } from "./popup";
import { newColumnId, write } from "./write";

export function open(grid: Grid, opening: Opening): void {
  const column = opening.column === undefined ? undefined : grid.store.column(opening.column);
  if (opening.name === "rename") return column && !column.derived ? rename(grid, column) : undefined;
  if (opening.name === "field") return openField(grid, column);
  if (column) columnMenu(grid, column, opening);
}

export function headOf(grid: Grid, column: string): HTMLElement | null {
  return grid.view.header.head.querySelector<HTMLElement>(`[data-column="${CSS.escape(column)}"]`);
}

function columnMenu(grid: Grid, column: Column, opening: Opening): void {
  const head = headOf(grid, column.id);
  const at: Place = opening.anchor ?? opening.x !== undefined ? opening : { anchor: head ?? undefined };
  const beside: Place = { anchor: head ?? undefined };
  const isTitle = column === grid.store.title;
  const [up, down] = directions(column);
  const sorted = (descending: boolean) => (): void => grid.config.set({ sorts: [{ column: column.id, ...(descending && { descending: true }) }] });
  const menuAt = (name: string) => (): void => grid.menu(name, { column: column.id, ...(name === "summary" && { anchor: beside.anchor }) });
  const own: (Item | null)[] = column.derived ? [] : [
    { label: "Rename", icon: "edit", run: () => rename(grid, column) },
    { label: "Edit field…", icon: "settings", run: () => openField(grid, column) },
    { label: "Duplicate field", icon: "copy", run: () => void duplicate(grid, column) },
    null,
    { label: "Insert field left", icon: "plus", disabled: isTitle && "The first field stays first", run: () => openField(grid, undefined, { before: column.id }) },
    { label: "Insert field right", icon: "plus", run: () => openField(grid, undefined, { before: nextOf(grid, column) }) },
    null,
  ];
  menu(grid, `column:${column.id}`, `Field ${column.name}`, at, [
    ...own,
    { label: `Sort ${up}`, icon: "sort", run: sorted(false) },
    { label: `Sort ${down}`, icon: "sort", run: sorted(true) },
    { label: "Filter by this field", icon: "filter", run: menuAt("filter") },
    { label: "Group by this field", icon: "group", disabled: !groupable(column) && "Nearly every row would be a group", run: menuAt("group") },
    { label: "Summary…", icon: "rows", run: menuAt("summary") },
    { label: "Freeze up to here", icon: "panel", run: () => grid.config.set({ frozen: grid.table.columns.findIndex((it) => it.column.id === column.id) + 1 }) },
    null,
    { label: "Hide field", icon: "eye-off", disabled: isTitle && "A row without its name says nothing", run: () => hideColumn(grid, column) },
    ...(column.derived ? [] : [{ label: "Delete field", icon: "trash", tone: "bad" as const, disabled: isTitle && "The first field names the rows", run: () => void remove(grid, column) }]),
  ]);
}

function nextOf(grid: Grid, column: Column): string | null {
  const at = grid.table.columns.findIndex((it) => it.column.id === column.id);
  return grid.table.columns[at + 1]?.column.id ?? null;
}

function hideColumn(grid: Grid, column: Column): void {
  const set = (to: boolean): void => grid.config.set({ columns: hide(grid.store.columns, grid.config.now, new Set([column.id]), to) });
  set(true);
  grid.focus();
  offer(grid, `Hid ${column.name} for you`, "Show it", () => set(false));
}

async function duplicate(grid: Grid, column: Column): Promise<void> {
  const names = new Set(grid.store.columns.map((it) => it.name));
  let name = `${column.name} copy`;
  for (let n = 2; names.has(name); n++) name = `${column.name} copy ${n}`;
  const problem = await place(grid, { name, type: column.type, options: { ...column.options, unique: false, pipeline: false } }, nextOf(grid, column), `Duplicated the field ${column.name}`);
  if (problem) grid.speaker.notify(problem.detail, "bad");
}

/** Makes a field and puts it where it belongs, in the grid and in this view. */
export async function place(grid: Grid, made: Pick<Column, "name" | "type" | "options">, before: string | null, label: string): ReturnType<typeof write> {
  const id = newColumnId();
  const isStored = before !== null && !grid.store.column(before)?.derived;
  const problem = await write(grid, [
    { op: "add_column", id, name: made.name, type: made.type, options: made.options },
    ...(isStored ? [{ op: "move_column" as const, column: id, before }] : []),
  ], label);
  if (problem) return problem;
  const follow = (): void => {
    if (!grid.store.column(id)) return;
    grid.follow.delete(follow);
    // A view with an order of its own would put it last.
    if ((grid.config.now.columns?.length ?? 0) > 0 && before !== null) grid.config.set({ columns: move(grid.store.columns, grid.config.now, id, before) });
    const at = grid.table.columns.findIndex((it) => it.column.id === id);
    if (at >= 0) grid.move(grid.line, at);
  };
  grid.follow.add(follow);
  follow();
  return null;
}

async function remove(grid: Grid, column: Column): Promise<void> {
  const problem = await write(grid, [{ op: "delete_column", column: column.id }], `Deleted the field ${column.name}`);
  if (problem) grid.speaker.notify(problem.detail, "bad");
  else offer(grid, `Deleted the field ${column.name}. Its values stay in the trash.`, "Undo", () => void grid.undo.undo());
  grid.focus();
}

/** The name, edited where it stands. */
function rename(grid: Grid, column: Column): void {
  const head = headOf(grid, column.id);
  if (!head) return openField(grid, column);
  const input = h("input", { class: "g-rename", "aria-label": `Name of the field ${column.name}`, maxlength: 100, autocomplete: "off" });
  input.value = column.name;
  let isDone = false;
  const close = (focus: boolean): void => {
    isDone = true;
    input.remove();
    if (focus) grid.focus();
  };
  const save = async (focus: boolean): Promise<void> => {
    const name = input.value.trim();
    if (isDone) return;
    if (!name || name === column.name) return close(focus);
    isDone = true;
    input.disabled = true;
    const problem = await write(grid, [{ op: "update_column", column: column.id, name }], `Renamed ${column.name} to ${name}`);
    isDone = false;
    if (problem) {
      input.disabled = false;
      grid.speaker.notify(problem.detail, "bad");
      input.setAttribute("aria-invalid", "true");
      if (input.isConnected) input.focus();
    } else close(focus);
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") void save(true);
    else if (event.key === "Escape") close(true);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => { if (!isDone && document.hasFocus()) void save(false); });
  head.append(input);
  input.focus();
  input.select();
}
