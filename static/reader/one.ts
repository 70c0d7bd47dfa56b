/** The page of one investor. */

import { FIRST, type Archive, type Column, type More } from "./data";
import { el, link } from "./dom";
import { fileLink, safeLink } from "./find";

type Cells = readonly (string | number | null)[];

const text = (cells: Cells, at: number): string => String(cells[at] ?? "");

function value(column: Column, cell: string): Node {
  const href = column.kind === "url" || column.kind === "email" ? safeLink(column.kind, cell) : null;
  if (href) return link(href, cell);
  return el("span", column.kind === "long" ? { class: "prose" } : {}, cell);
}

function section(title: string, items: readonly HTMLElement[]): HTMLElement | "" {
  if (items.length === 0) return "";
  return el("section", {}, el("h2", {}, title, " ", el("small", {}, String(items.length))), el("ul", { class: "items" }, ...items));
}

function item(first: Node | string, facts: readonly string[], body = ""): HTMLElement {
  const shown = facts.filter((fact) => fact !== "").join(" · ");
  return el("li", {}, el("div", { class: "first" }, first), shown && el("p", { class: "facts" }, shown), body && el("p", { class: "prose" }, body));
}

function person(cells: Cells): HTMLElement {
  const [column, name, email, phone, role] = [0, 1, 2, 3, 4].map((at) => text(cells, at)) as [string, string, string, string, string];
  const made = item(name, [role, column]);
  const mail = email && safeLink("email", email);
  const tel = phone && /^[+\d][\d\s()./-]*$/.test(phone) ? `tel:${phone.replace(/[^+\d]/g, "")}` : "";
  if (email || phone) {
    made.append(el("p", { class: "facts" },
      email && (mail ? link(mail, email) : email), email && phone && " · ", phone && (tel ? link(tel, phone) : phone)));
  }
  return made;
}

function amount(cells: Cells): HTMLElement {
  const [day, fund, stage, before, after, currency, note, by] = [0, 1, 2, 3, 4, 5, 6, 7].map((at) => text(cells, at)) as string[];
  const money = (digits: string | undefined): string => (digits ? `${currency} ${digits.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",")}` : "nothing");
  return item(`${fund}, ${stage}: ${money(after)}`, [before ? `before ${money(before)}` : "", day ?? "", by ?? ""], note);
}

function file(cells: readonly string[]): HTMLElement {
  const [name = "", state = ""] = cells;
  const isThere = state === "in the archive";
  return item(isThere ? link(fileLink(name), name, { target: "_blank" }) : name, [isThere ? "" : state]);
}

function details(more: More): HTMLElement[] {
  const made = [
    section("People", (more.people ?? []).map(person)),
    section("Commitments", (more.money ?? []).map(amount)),
    section("Tasks", (more.tasks ?? []).map((t) => item(text(t, 0), [text(t, 2), text(t, 1) && `due ${text(t, 1)}`, text(t, 3)], text(t, 4)))),
    section("Notes", (more.notes ?? []).map((n) => item(text(n, 3) === "1" ? "Pinned" : text(n, 0), [text(n, 3) === "1" ? text(n, 0) : "", text(n, 1)], text(n, 2)))),
    section("Contacts with them", (more.talks ?? []).map((t) => item(text(t, 1), [text(t, 0), text(t, 2) && `with ${text(t, 2)}`, text(t, 4)], text(t, 3)))),
    section("Files", (more.files ?? []).map(file)),
  ];
  return made.filter((part): part is HTMLElement => part !== "");
}

/** Draws the investor at this place; false while it is not loaded yet. */
export function drawOne(main: HTMLElement, archive: Archive, at: number): boolean {
  const row = archive.rows[at];
  const back = el("p", { class: "back" }, link("#/", "All investors"));
  if (!row) {
    const isComing = at >= 0 && at < archive.head.rows;
    main.replaceChildren(back, el("h1", {}, isComing ? "Loading…" : "There is no such investor"));
    return !isComing;
  }
  const cells = archive.head.columns.map((column, n) => ({ column, cell: String(row[FIRST + n] ?? "") }));
  const name = cells[0]?.cell || "Unnamed investor";
  const list = (derived: boolean): HTMLElement[] =>
    cells.filter(({ column, cell }, n) => n > 0 && cell !== "" && column.derived === derived)
      .map(({ column, cell }) => el("div", { class: "fact" }, el("dt", {}, column.name), el("dd", {}, value(column, cell))));
  const [own, derived] = [list(false), list(true)];
  const rest = el("div", { class: "details" }, el("p", { class: "count", role: "status" }, "Loading people, notes and files…"));
  main.replaceChildren(
    back,
    el("h1", {}, name),
    row[1] === 1 ? el("p", { class: "notice" }, "Archived") : "",
    el("section", {}, el("h2", {}, "Fields"), own.length > 0 ? el("dl", {}, ...own) : el("p", { class: "count" }, "All fields are blank.")),
    derived.length > 0 ? el("section", {}, el("h2", {}, "Worked out by the CRM"), el("dl", {}, ...derived)) : "",
    rest,
  );
  archive.more(at).then(
    (more) => rest.replaceChildren(...details(more)),
    (error: unknown) => rest.replaceChildren(el("p", { class: "notice" }, error instanceof Error ? error.message : String(error))),
  );
  return true;
}
