import { readAmount, showAmount } from "./amounts";
import { localDay, readDate, readDateTime, showDate, showDateTime } from "./dates";
import { blank } from "./store";
import type { Choice, Column, ColumnType, Contact, Fund, Person, Value } from "./wire";

/** Names that cells hold only ids of. */
export interface Names {
  readonly users: readonly Person[];
  readonly funds: readonly Fund[];
}

/** The type to show a column as: a formula is shown as its result. */
export function shownAs(column: Column): ColumnType {
  if (column.type !== "formula") return column.type;
  switch (column.result) {
    case "number": case "currency": case "percent": case "date": case "date_time": return column.result;
    case "boolean": return "checkbox";
    default: return "text";
  }
}

export function isNumeric(column: Column): boolean {
  return ["number", "currency", "percent"].includes(shownAs(column));
}

export function isEditable(column: Column): boolean {
  if (column.type === "formula") return false;
  return !column.derived || column.id === "@list" || column.id === "@stage";
}

export interface Pill { readonly id: string; readonly text: string; readonly color: string }

/** The cell's value as pills, or null when it is shown as text. */
export function pills(column: Column, value: Value, names: Names): Pill[] | null {
  switch (column.type) {
    case "select":
    case "multi_select": return list(value).map((id) => pillOf(column, id));
    case "user": return list(value).map((id) => ({ id, text: personName(names.users, id), color: "person" }));
    case "funds": return list(value).map((id) => ({ id, text: personName(names.funds, id), color: "fund" }));
    case "contacts": return people(value).map((c) => ({ id: c.id ?? "", text: c.name, color: "contact" }));
    default: return null;
  }
}

function pillOf(column: Column, id: string): Pill {
  const choice = column.options.choices?.find((known) => known.id === id);
  return { id, text: choice?.name ?? id, color: choice?.color ?? "gray" };
}

export function list(value: Value): string[] {
  if (Array.isArray(value)) return value.filter((item): item is string => typeof item === "string");
  return typeof value === "string" && value !== "" ? [value] : [];
}

export function people(value: Value): Contact[] {
  return Array.isArray(value) ? value.filter((item): item is Contact => typeof item === "object") : [];
}

function personName(people: readonly Person[], id: string): string {
  return people.find((person) => person.id === id)?.name ?? id;
}

/** The value as one reads it in a cell. */
export function text(column: Column, value: Value, names: Names): string {
  if (blank(value)) return "";
  if (typeof value === "object" && value && "error" in value) return value.error;
  const { precision, currency, date_format } = column.options;
  switch (shownAs(column)) {
    case "number": return showAmount(String(value), precision);
    case "currency": return `${currency ? `${currency} ` : ""}${showAmount(String(value), precision)}`;
    case "percent": return `${showAmount(String(value), precision)} %`;
    case "date": return showDate(String(value), date_format);
    case "date_time": return showDateTime(String(value), date_format);
    case "checkbox": return value === true ? "✓" : "";
    case "rating": return stars(Number(value));
    case "long_text": return String(value);
    default: {
      const shown = pills(column, value, names);
      if (shown) return shown.map((pill) => pill.text).join(", ");
      return Array.isArray(value) ? value.map(String).join(", ") : String(value);
    }
  }
}

export function stars(n: number): string {
  const most = n > 5 ? 10 : 5;
  return "★".repeat(Math.min(n, most)) + "☆".repeat(Math.max(0, most - n));
}

/** The value as other programs take it from the clipboard. */
export function copied(column: Column, value: Value, names: Names): string {
  if (blank(value)) return "";
  switch (shownAs(column)) {
    case "number": case "currency": return String(value);
    case "percent": return `${String(value)}%`;
    case "date": return String(value).slice(0, 10);
    case "checkbox": return "checked";
    case "rating": return String(value);
    case "multi_select": case "funds": return (pills(column, value, names) ?? []).map((p) => quoteItem(p.text)).join(",");
    case "contacts": return people(value).map((c) => quoteItem(c.email && c.email !== c.name ? `${c.name} <${c.email}>` : c.name)).join(",");
    default: return text(column, value, names);
  }
}

const quoteItem = (item: string): string => (/[",]/.test(item) ? `"${item.replace(/"/g, '""')}"` : item);

/** Splits `A,"B, Inc",C` as a one-line CSV. */
export function items(text: string): string[] {
  const found = text.match(/"(?:[^"]|"")*"|[^,;\n]+/g) ?? [];
  return found.map((item) => item.trim().replace(/^"([\s\S]*)"$/, "$1").replace(/""/g, '"')).filter(Boolean);
}

export type Read = { readonly value: Value } | { readonly why: string };

const YES = new Set(["checked", "true", "yes", "1", "x", "✓", "on"]);
const NO = new Set(["unchecked", "false", "no", "0", "off"]);

/** Reads text into a column's kind of value, or says why it does not fit. */
export function read(column: Column, written: string, names: Names, now: number, typed = false): Read {
  const t = written.trim();
  if (t === "") return { value: null };
  switch (column.type) {
    case "number": case "currency": case "percent": {
      const amount = readAmount(t, typed);
      return amount === null ? { why: `“${short(t)}” is not a number` } : { value: amount };
    }
    case "date": {
      const date = readDate(t, localDay(now), column.options.date_format) ?? readDate(t.split(" ")[0] ?? "", localDay(now), column.options.date_format);
      return date === null ? { why: `“${short(t)}” is not a date` } : { value: date };
    }
    case "date_time": {
      const at = readDateTime(t, now, column.options.date_format);
      return at === null ? { why: `“${short(t)}” is not a date and time` } : { value: at };
    }
    case "checkbox": {
      if (YES.has(t.toLowerCase())) return { value: true };
      return NO.has(t.toLowerCase()) ? { value: null } : { why: `“${short(t)}” is not checked or unchecked` };
    }
    case "rating": {
      const n = /^[★☆]+$/.test(t) ? t.replace(/☆/g, "").length : Number(t);
      return Number.isInteger(n) && n >= 1 && n <= 10 ? { value: n } : { why: `“${short(t)}” is not 1 to 10` };
    }
    case "select": return one(column.options.choices ?? [], t);
    case "user": return one(names.users, t);
    case "multi_select": return many(column.options.choices ?? [], items(t));
    case "funds": return many(names.funds, items(t));
    case "contacts": return { value: items(t).map(contact) };
    case "email": return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(t) ? { value: t.toLowerCase() } : { why: `“${short(t)}” is not an email address` };
    case "url": {
      const full = t.includes("://") ? t : `https://${t}`;
      return /^https?:\/\/\S+\.\S+$/.test(full) ? { value: full } : { why: `“${short(t)}” is not a web address` };
    }
    case "formula": return { why: "is computed" };
    default: return { value: written.replace(/[\r\n]+$/, "") };
  }
}

export function contact(written: string): Contact {
  const m = /^\s*"?(.*?)"?\s*<([^<>]+)>\s*$/.exec(written);
  if (m) return { name: m[1] || (m[2] ?? ""), email: (m[2] ?? "").toLowerCase() };
  return written.includes("@") ? { name: written.trim(), email: written.trim().toLowerCase() } : { name: written.trim() };
}

function one(known: readonly (Choice | Person)[], t: string): Read {
  const found = known.find((item) => item.id === t) ?? known.find((item) => item.name.toLowerCase() === t.toLowerCase());
  return found ? { value: found.id } : { why: `“${short(t)}” is not an option` };
}

function many(known: readonly (Choice | Person)[], wanted: readonly string[]): Read {
  const ids: string[] = [];
  for (const item of wanted) {
    const found = one(known, item);
    if ("why" in found) return found;
    if (!ids.includes(String(found.value))) ids.push(String(found.value));
  }
  return { value: ids };
}

const short = (t: string): string => (t.length > 40 ? `${t.slice(0, 40)}…` : t);
