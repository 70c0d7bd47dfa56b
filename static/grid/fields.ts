import { pillClass } from "./cells";
import { h } from "./dom";
import { people, pills, shownAs, text, type Names } from "./values";
import type { Column, Value } from "./wire";

/** A value with its links, for the record panel and the cards. */
export function fieldValue(column: Column, value: Value, names: Names, withLinks = true): Node[] {
  if (column.type === "contacts") return people(value).map((it) => h("span", { class: "pill contact", title: it.email ?? it.name }, it.name));
  const shown = pills(column, value, names);
  if (shown) return shown.map((pill) => h("span", { class: pillClass(pill.color) }, pill.text));
  const t = text(column, value, names);
  if (!t) return [];
  const href = withLinks ? linkOf(column, t) : null;
  return [href ? h("a", { href, rel: "noreferrer", ...(href.startsWith("http") && { target: "_blank" }) }, t) : h("span", { class: `as-${shownAs(column)}` }, t)];
}

/** Where a value leads; only addresses that cannot run anything. */
export function linkOf(column: Column, value: string): string | null {
  if (column.type === "email") return `mailto:${encodeURIComponent(value).replace("%40", "@")}`;
  if (column.type === "phone") return `tel:${value.replace(/[^\d+]/g, "")}`;
  return column.type === "url" && /^https?:\/\//i.test(value) ? value : null;
}
