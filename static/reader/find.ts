/** Finding and sorting rows. */

import { FIRST, type Column, type Row } from "./data";

export interface Wish {
  readonly text: string;
  /** Index of a column; none for the archive's own order. */
  readonly by: number | null;
  readonly descending: boolean;
  readonly archived: boolean;
}

/** The number in a text as people read it: `EUR -1,234.50`, `12.5 %`. */
export function numberIn(text: string): number {
  const digits = text.replace(/[^0-9.\-]/g, "");
  return digits === "" ? Number.NaN : Number(digits);
}

const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Compares two cells that are not blank. */
export function compare(kind: Column["kind"], a: string, b: string): number {
  if (kind === "number") {
    const difference = numberIn(a) - numberIn(b);
    if (!Number.isNaN(difference)) return difference;
  }
  if (kind === "date") return a < b ? -1 : a > b ? 1 : 0;
  return words.compare(a, b);
}

/** Places of the rows wished for, in order; blanks last either way. */
export function find(rows: readonly Row[], columns: readonly Column[], wish: Wish): number[] {
  const needles = wish.text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const found: number[] = [];
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]!;
    if ((row[1] === 1) !== wish.archived) continue;
    if (needles.every((needle) => holds(row, needle))) found.push(at);
  }
  const { by } = wish;
  const column = by === null ? undefined : columns[by];
  if (by === null || !column) return found;
  const way = wish.descending ? -1 : 1;
  const cell = (at: number): string => String(rows[at]![FIRST + by] ?? "");
  return found.sort((a, b) => {
    const [one, other] = [cell(a), cell(b)];
    if (one === "" || other === "") return one === other ? a - b : one === "" ? 1 : -1;
    return way * compare(column.kind, one, other) || a - b;
  });
}

function holds(row: Row, needle: string): boolean {
  for (let cell = FIRST; cell < row.length; cell++) {
    if (String(row[cell]).toLowerCase().includes(needle)) return true;
  }
  return false;
}

/** An address that is safe to follow, or none. */
export function safeLink(kind: Column["kind"], text: string): string | null {
  if (kind === "email") return /^[^\s@,;?&]+@[^\s@,;?&]+$/.test(text) ? `mailto:${text}` : null;
  return /^https?:\/\/\S+$/i.test(text) ? text : null;
}

/** The address of an attached file, from the reader's folder. */
export function fileLink(name: string): string {
  return `../files/${encodeURIComponent(name)}`;
}
