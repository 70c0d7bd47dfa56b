// The columns of a view, as a list to hide from and to move in.
import type { Column, ColumnSetting, ViewConfig } from "../wire";

export interface Listed { readonly column: Column; readonly hidden: boolean; readonly isTitle: boolean }

/** Every column in the view's order, hidden ones included; the title leads. */
export function listed(columns: readonly Column[], config: ViewConfig): Listed[] {
  const settings = new Map((config.columns ?? []).map((it) => [it.id, it]));
  const known = new Map(columns.map((it) => [it.id, it]));
  const order = [...[...settings.keys()].filter((id) => known.has(id)), ...columns.map((it) => it.id).filter((id) => !settings.has(id))];
  const title = columns.find((it) => !it.derived)?.id;
  const ids = title === undefined ? order : [title, ...order.filter((id) => id !== title)];
  return ids.flatMap((id) => {
    const column = known.get(id);
    return column ? [{ column, hidden: id !== title && (settings.get(id)?.hidden ?? column.hidden), isTitle: id === title }] : [];
  });
}

function write(all: readonly Listed[], config: ViewConfig, hidden: (it: Listed) => boolean): ColumnSetting[] {
  const widths = new Map((config.columns ?? []).map((it) => [it.id, it.width]));
  return all.map((it) => {
    const width = widths.get(it.column.id);
    const to = hidden(it);
    return { id: it.column.id, ...(to !== it.column.hidden && { hidden: to }), ...(width !== undefined && { width }) };
  });
}

export function hide(columns: readonly Column[], config: ViewConfig, ids: ReadonlySet<string>, to: boolean): ColumnSetting[] {
  return write(listed(columns, config), config, (it) => (ids.has(it.column.id) && !it.isTitle ? to : it.hidden));
}

/** Moves a column before another one, or to the end. */
export function move(columns: readonly Column[], config: ViewConfig, id: string, before: string | null): ColumnSetting[] {
  const all = listed(columns, config);
  const it = all.find((known) => known.column.id === id);
  if (!it || it.isTitle) return write(all, config, (known) => known.hidden);
  const rest = all.filter((known) => known !== it);
  const at = before === null ? rest.length : rest.findIndex((known) => known.column.id === before);
  rest.splice(Math.max(1, at < 0 ? rest.length : at), 0, it);
  return write(rest, config, (known) => known.hidden);
}
