import type { Store } from "./store";
import type { Filter, Value } from "./wire";

/** What a row must have to show in a view: every "is" that the filter asks of all rows. */
export function startOf(filter: Filter | undefined, store: Pick<Store, "column" | "me">): { list: string; cells: Record<string, Value> } {
  const cells: Record<string, Value> = {};
  let list = "main";
  const walk = (part: Filter): void => {
    if ("all" in part) part.all.forEach(walk);
    if (!("column" in part)) return;
    const value = part.value === "me" ? store.me : part.value;
    if (part.column === "@list" && part.op === "is" && typeof value === "string") list = value;
    const column = store.column(part.column);
    if (!column || column.derived || column.type === "formula") return;
    if (part.op === "checked") cells[column.id] = true;
    else if (part.op === "is" && typeof value === "string") cells[column.id] = value;
    else if (part.op === "has_any" && Array.isArray(value) && typeof value[0] === "string") cells[column.id] = [value[0]];
  };
  if (filter) walk(filter);
  return { list, cells };
}
