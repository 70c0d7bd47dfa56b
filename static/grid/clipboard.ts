import { read, type Names } from "./values";
import type { Column, Value } from "./wire";

const quoted = (field: string): string => (/[\t\n\r"]/.test(field) ? `"${field.replace(/"/g, '""')}"` : field);

/** Rows of fields as Excel, Sheets and Airtable write them to the clipboard. */
export function toTsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(quoted).join("\t")).join("\n");
}

export function fromTsv(text: string): string[][] {
  const source = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let inside = false;
  let fresh = true;
  for (let i = 0; i < source.length; i++) {
    const c = source[i];
    if (inside) {
      if (c !== '"') field += c;
      else if (source[i + 1] === '"') { field += '"'; i++; }
      else inside = false;
    } else if (c === '"' && fresh && closes(source, i)) inside = true;
    else if (c === "\t" || c === "\n") {
      row.push(field);
      field = "";
      if (c === "\n") { rows.push(row); row = []; }
      fresh = true;
      continue;
    } else field += c;
    fresh = false;
  }
  row.push(field);
  rows.push(row);
  return rows;
}

/** Whether a quote at the start of a field is closed before a field's end; a lone inch mark is not. */
function closes(source: string, at: number): boolean {
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] !== '"') continue;
    if (source[i + 1] === '"') i++;
    else return i + 1 === source.length || source[i + 1] === "\t" || source[i + 1] === "\n";
  }
  return false;
}

export interface Target {
  /** Lines that take values from the first pasted one on. */
  readonly slots: readonly number[];
  readonly columns: readonly Column[];
  /** The selection: a larger one is filled by repeating. */
  readonly height: number;
  readonly width: number;
}

export interface PastedCell { readonly slot: number; readonly column: Column; readonly value: Value }
export interface Misfit { readonly slot: number; readonly column: Column; readonly text: string; readonly why: string }

export interface Paste {
  readonly cells: PastedCell[];
  /** Rows that did not find a line below the last one. */
  readonly extra: { readonly column: Column; readonly value: Value }[][];
  readonly misfits: Misfit[];
  readonly height: number;
  readonly width: number;
}

/** What a paste writes where. Slot −1 in a misfit stands for a row to be added. */
export function planPaste(fields: readonly (readonly string[])[], to: Target, names: Names, now: number, editable: (c: Column) => boolean): Paste {
  const h = fields.length;
  const w = Math.max(...fields.map((row) => row.length));
  const height = to.height > h && to.height % h === 0 ? to.height : h === 1 && w === 1 ? to.height : h;
  const width = Math.min(to.columns.length, to.width > w && to.width % w === 0 ? to.width : h === 1 && w === 1 ? to.width : w);
  const cells: PastedCell[] = [];
  const extra: { column: Column; value: Value }[][] = [];
  const misfits: Misfit[] = [];
  for (let i = 0; i < height; i++) {
    const slot = to.slots[i] ?? -1;
    const added: { column: Column; value: Value }[] = [];
    for (let j = 0; j < width; j++) {
      const column = to.columns[j];
      const text = fields[i % h]?.[j % w];
      if (!column || text === undefined) continue;
      if (!editable(column)) {
        if (text !== "") misfits.push({ slot, column, text, why: "cannot be edited" });
        continue;
      }
      const got = read(column, text, names, now);
      if ("why" in got) misfits.push({ slot, column, text, why: got.why });
      else if (slot >= 0) cells.push({ slot, column, value: got.value });
      else if (got.value !== null) added.push({ column, value: got.value });
    }
    if (slot < 0 && added.length > 0) extra.push(added);
  }
  return { cells, extra, misfits, height, width };
}
