// Filters as they are being built: nested groups of conditions, some not finished.
import { shownAs } from "../values";
import type { Column, Condition, Filter } from "../wire";

export interface DraftGroup { join: "all" | "any"; parts: Draft[] }
export interface DraftCondition { column: string; op: string; value?: unknown }
export type Draft = DraftGroup | DraftCondition;
/** The way to a part: indexes from the outermost group in. */
export type Path = readonly number[];

export type Needs = "nothing" | "text" | "number" | "one" | "several" | "date" | "span";
export interface Operator { readonly op: string; readonly label: string; readonly needs: Needs }

const operator = (op: string, label: string, needs: Needs): Operator => ({ op, label, needs });
const BLANKS = [operator("empty", "is empty", "nothing"), operator("not_empty", "is not empty", "nothing")];
const NAMES = [operator("contains", "contains", "text"), operator("not_contains", "does not contain", "text")];
const TEXT = [...NAMES, operator("is", "is", "text"), operator("is_not", "is not", "text"), ...BLANKS];
const NUMBER = [["eq", "="], ["ne", "≠"], ["lt", "<"], ["gt", ">"], ["le", "≤"], ["ge", "≥"]].map(([op = "", label = ""]) => operator(op, label, "number"));
const ONE = [operator("is", "is", "one"), operator("is_not", "is not", "one"), operator("any_of", "is any of", "several"), operator("none_of", "is none of", "several"), ...BLANKS];
const MANY = [operator("has_any", "has any of", "several"), operator("has_all", "has all of", "several"), operator("has_none", "has none of", "several"), operator("exactly", "is exactly", "several")];
const DATE = [
  operator("is", "is", "date"), operator("is_not", "is not", "date"), operator("before", "is before", "date"), operator("after", "is after", "date"),
  operator("on_or_before", "is on or before", "date"), operator("on_or_after", "is on or after", "date"), operator("within", "is within", "span"), ...BLANKS,
];
const CHECK = [operator("checked", "is checked", "nothing"), operator("unchecked", "is unchecked", "nothing")];

/** What a column can be asked; a formula is asked as its result. */
export function operatorsOf(column: Column): readonly Operator[] {
  switch (shownAs(column)) {
    case "number": case "currency": case "percent": case "rating": return [...NUMBER, ...BLANKS];
    case "select": case "user": return ONE;
    case "multi_select": case "funds": return [...MANY, ...NAMES, ...BLANKS];
    // People are many and have no list to choose from: one looks for a name.
    case "contacts": return [...NAMES, ...BLANKS];
    case "date": case "date_time": return DATE;
    case "checkbox": return CHECK;
    default: return TEXT;
  }
}

export function operatorOf(column: Column, op: string): Operator {
  const all = operatorsOf(column);
  return all.find((it) => it.op === op) ?? all[0] ?? operator("empty", "is empty", "nothing");
}

export const isGroup = (part: Draft): part is DraftGroup => "join" in part;

export function draftOf(filter: Filter | undefined): DraftGroup {
  const made = filter ? partOf(filter) : { join: "all" as const, parts: [] };
  return isGroup(made) ? made : { join: "all", parts: [made] };
}

function partOf(filter: Filter): Draft {
  if ("all" in filter) return { join: "all", parts: filter.all.map(partOf) };
  if ("any" in filter) return { join: "any", parts: filter.any.map(partOf) };
  return { ...filter };
}

/** Whether a condition can be asked; one without its value waits. */
export function isFinished(condition: DraftCondition, column: Column | undefined): boolean {
  if (!column) return true;
  const { needs } = operatorOf(column, condition.op);
  const { value } = condition;
  if (needs === "nothing") return true;
  if (needs === "several") return Array.isArray(value) && value.length > 0;
  if (needs === "date" || needs === "span") {
    const it = value as { date?: string; relative?: string; n?: number } | undefined;
    return !!it && (!!it.date || (!!it.relative && (!withCount(it.relative) || Number.isFinite(it.n))));
  }
  return value !== undefined && value !== null && value !== "";
}

export const withCount = (relative: string): boolean => ["days_ago", "days_from_now", "past_days", "next_days"].includes(relative);

/** The filter to ask with, and where each of its parts stands in the draft:
    an error of the server names a place in what was sent. */
export function finished(draft: DraftGroup, column: (id: string) => Column | undefined): { filter: Filter; places: Map<string, Path> } {
  const places = new Map<string, Path>();
  const walk = (part: Draft, path: Path, name: string): Filter | null => {
    places.set(name, path);
    if (!isGroup(part)) return isFinished(part, column(part.column)) ? condition(part, column(part.column)) : null;
    const parts: Filter[] = [];
    part.parts.forEach((inner, i) => {
      const made = walk(inner, [...path, i], `${name}.${part.join}[${parts.length}]`);
      if (made && !isEmpty(made)) parts.push(made);
    });
    return part.join === "all" ? { all: parts } : { any: parts };
  };
  return { filter: walk(draft, [], "filter") ?? { all: [] }, places };
}

function condition(part: DraftCondition, column: Column | undefined): Condition {
  const needs = column ? operatorOf(column, part.op).needs : "text";
  return needs === "nothing" ? { column: part.column, op: part.op } : { column: part.column, op: part.op, value: part.value };
}

const isEmpty = (filter: Filter): boolean => ("all" in filter && filter.all.length === 0) || ("any" in filter && filter.any.length === 0);

export function at(draft: DraftGroup, path: Path): Draft {
  let part: Draft = draft;
  for (const i of path) {
    const inner: Draft | undefined = isGroup(part) ? part.parts[i] : undefined;
    if (!inner) break;
    part = inner;
  }
  return part;
}

function parent(draft: DraftGroup, path: Path): DraftGroup {
  const it = at(draft, path.slice(0, -1));
  return isGroup(it) ? it : draft;
}

export function add(draft: DraftGroup, path: Path, part: Draft): void {
  const it = at(draft, path);
  if (isGroup(it)) it.parts.push(part);
}

/** Takes a part away, and groups that are empty then. */
export function remove(draft: DraftGroup, path: Path): void {
  const group = parent(draft, path);
  group.parts.splice(path.at(-1) ?? 0, 1);
  if (group.parts.length === 0 && path.length > 1) remove(draft, path.slice(0, -1));
}

export function duplicate(draft: DraftGroup, path: Path): void {
  const i = path.at(-1) ?? 0;
  parent(draft, path).parts.splice(i + 1, 0, structuredClone(at(draft, path)));
}

/** A new condition's beginning: the column's first question. */
export function begin(column: Column): DraftCondition {
  return { column: column.id, op: operatorsOf(column)[0]?.op ?? "empty" };
}

/** Another question about a column: what was compared with stays where it still fits. */
export function reask(condition: DraftCondition, column: Column, op: string): DraftCondition {
  const before = operatorOf(column, condition.op).needs;
  const { needs } = operatorOf(column, op);
  const { value } = condition;
  if (needs === before) return { column: column.id, op, ...(value !== undefined && { value }) };
  if (needs === "several" && before === "one" && typeof value === "string") return { column: column.id, op, value: [value] };
  if (needs === "one" && before === "several" && Array.isArray(value)) return { column: column.id, op, value: value[0] as unknown };
  return { column: column.id, op };
}

export const DATES: readonly (readonly [string, string])[] = [
  ["today", "today"], ["tomorrow", "tomorrow"], ["yesterday", "yesterday"], ["one_week_ago", "one week ago"], ["one_week_from_now", "one week from now"],
  ["one_month_ago", "one month ago"], ["one_month_from_now", "one month from now"], ["days_ago", "days ago…"], ["days_from_now", "days from now…"], ["exact", "exact date…"],
];
export const SPANS: readonly (readonly [string, string])[] = [
  ["past_week", "the past week"], ["past_month", "the past month"], ["past_year", "the past year"], ["next_week", "the next week"], ["next_month", "the next month"],
  ["next_year", "the next year"], ["this_week", "this calendar week"], ["this_month", "this calendar month"], ["this_year", "this calendar year"], ["past_days", "the past … days"], ["next_days", "the next … days"],
];
