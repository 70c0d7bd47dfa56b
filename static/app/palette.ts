import { around, rank } from "./fuzzy";
import { kindOf, Recent, type Place } from "./recent";
import { askServer, Seeker, type Group, type Hit, type Part, type Standing } from "./seek";

/** A page or an action. */
export interface Item {
  readonly label: string;
  readonly group: string;
  readonly href: string;
}

/** One line that can be chosen. */
interface Line {
  readonly href: string;
  readonly icon: string;
  readonly title: readonly Part[];
  readonly detail: readonly Part[];
  readonly side: string;
  readonly archived: boolean;
  readonly place: Place;
}

/** Lines under one heading. */
interface Section {
  readonly label: string;
  readonly lines: readonly Line[];
}

const ICONS: Readonly<Record<string, string>> = {
  investor: "grid",
  contact: "user",
  task: "check",
  note: "edit",
  interaction: "clock",
  fund: "fund",
  import: "import",
  page: "chevron",
  search: "search",
};

const NAMES: Readonly<Record<string, string>> = {
  investor: "Investor",
  contact: "Contact",
  task: "Task",
  note: "Note",
  interaction: "Contact noted",
  fund: "Fund",
  import: "Import",
  page: "Page",
};

/** Pages whose names have a word that begins like each word typed. */
export function named(query: string, items: readonly Item[]): Item[] {
  const typed = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (typed.length === 0) return [];
  return items.filter((item) => {
    const words = item.label.toLowerCase().split(/[\s\-/]+/);
    return typed.every((start) => words.some((word) => word.startsWith(start)));
  });
}

/** One sentence on how the search stands. */
export function sentence(standing: Standing, shown: number): string {
  switch (standing.is) {
    case "idle":
      return "";
    case "waiting":
      return "";
    case "slow":
      return "Still searching…";
    case "failed":
      return standing.offline
        ? "You are offline: only pages and actions are shown."
        : "The search does not answer: only pages and actions are shown.";
    case "found": {
      const near = standing.answer.near;
      if (near.length > 0) return `Little found as typed. Also shown: ${near.join(", ")}.`;
      return shown === 0 ? "Nothing found. Try fewer or shorter words." : "";
    }
  }
}

const plain = (text: string): readonly Part[] => (text === "" ? [] : [{ text, hit: false }]);
const words = (parts: readonly Part[]): string => parts.map((part) => part.text).join("");

function pageLine(item: Item): Line {
  const place = { label: item.label, href: item.href, kind: "page" };
  return { href: item.href, icon: ICONS["page"]!, title: plain(item.label), detail: [], side: item.group, archived: false, place };
}

function recentLine(place: Place): Line {
  const icon = ICONS[place.kind] ?? "clock";
  return { href: place.href, icon, title: plain(place.label), detail: [], side: NAMES[place.kind] ?? "", archived: false, place };
}

function hitLine(hit: Hit): Line {
  const hasName = hit.title.length > 0;
  const title = hasName ? hit.title : plain(hit.about ?? "An investor");
  // What matched in the text says most; else whom it is about.
  const told = hit.text.some((part) => part.hit) || !hasName ? hit.text : plain(hit.about ?? "");
  const detail = told.length > 0 ? told : hit.text;
  const state = hit.status === "done" ? "Done" : hit.status === "cancelled" ? "Cancelled" : "";
  const place = { label: words(title), href: hit.href, kind: hit.kind };
  return { href: hit.href, icon: ICONS[hit.kind] ?? "dot", title, detail, side: state, archived: hit.archived, place };
}

function groupSection(group: Group): Section {
  const more = group.total > group.hits.length ? ` · ${group.hits.length} of ${group.total}${group.is_capped ? "+" : ""}` : "";
  return { label: group.label + more, lines: group.hits.map(hitLine) };
}

/** What is shown for a query, in order. */
export function sections(query: string, items: readonly Item[], recent: readonly Place[], standing: Standing): Section[] {
  if (query.trim() === "") {
    const known = new Set(recent.map((place) => place.href));
    return [
      { label: "Recent", lines: recent.map(recentLine) },
      { label: "Pages and actions", lines: items.filter((item) => !known.has(item.href)).map(pageLine) },
    ].filter((section) => section.lines.length > 0);
  }
  const sure = named(query, items).slice(0, 4);
  const found = standing.is === "found" ? standing.answer.groups.map(groupSection) : [];
  const others = rank(query, items, (item) => `${item.label} ${item.group}`).filter((item) => !sure.includes(item));
  // A loose match of letters is worth a line only where there is nothing better.
  const loose = sure.length + found.length === 0 ? others.slice(0, 5) : [];
  const href = `/search?q=${encodeURIComponent(query.trim())}`;
  const all: Line = { ...pageLine({ label: `All results for “${query.trim()}”`, group: "", href }), icon: ICONS["search"]! };
  return [
    { label: "Pages and actions", lines: [...sure, ...loose].map(pageLine) },
    ...found,
    { label: "Search", lines: found.length > 0 || standing.is === "failed" || standing.is === "slow" ? [all] : [] },
  ].filter((section) => section.lines.length > 0);
}

function readItems(page: Document): Item[] {
  const template = page.querySelector<HTMLTemplateElement>("template#palette-items");
  const links = template?.content.querySelectorAll<HTMLAnchorElement>("a") ?? [];
  return [...links].map((link) => ({
    label: link.textContent?.trim() ?? "",
    group: link.dataset["group"] ?? "",
    href: link.getAttribute("href") ?? "/",
  }));
}

function storage(page: Document): Storage | null {
  try {
    return page.defaultView?.localStorage ?? null;
  } catch {
    return null;
  }
}

/** The palette while it is on a page. */
class Palette {
  private readonly items: Item[];
  private standing: Standing = { is: "idle" };
  private lines: Line[] = [];
  private active = 0;
  /** Somebody chose a line with the arrows: it stays chosen. */
  private moved = false;
  /** Enter came before the answer: its first line is meant. */
  private eager = false;
  private readonly seeker: Seeker;

  constructor(
    private readonly page: Document,
    private readonly dialog: HTMLDialogElement,
    private readonly input: HTMLInputElement,
    private readonly list: HTMLElement,
    private readonly says: HTMLElement,
    private readonly recent: Recent,
  ) {
    this.items = readItems(page);
    const isOnline = (): boolean => page.defaultView?.navigator.onLine ?? true;
    this.seeker = new Seeker(askServer, (standing) => this.hear(standing), isOnline);
    input.addEventListener("input", () => this.typed());
    input.addEventListener("keydown", (event) => this.key(event));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => this.seeker.forget());
  }

  show(): void {
    if (this.dialog.open) {
      this.input.select();
      return;
    }
    this.input.value = "";
    this.standing = { is: "idle" };
    this.typed();
    this.dialog.showModal();
    this.input.focus();
  }

  private typed(): void {
    this.moved = false;
    this.eager = false;
    this.seeker.type(this.input.value);
  }

  private hear(standing: Standing): void {
    const isPending = standing.is === "waiting" || standing.is === "slow";
    // What was found stays until there is something better: nothing flickers.
    const keeps = isPending && this.standing.is === "found";
    if (!keeps) this.standing = standing;
    this.draw(standing);
    if (this.eager && standing.is === "found" && standing.answer.groups.length > 0) this.open(this.lines[0]);
  }

  private draw(now: Standing): void {
    const chosen = this.moved ? this.lines[this.active]?.href : undefined;
    const shown = sections(this.input.value, this.items, this.recent.list(), this.standing);
    this.lines = shown.flatMap((section) => section.lines);
    const kept = this.lines.findIndex((line) => line.href === chosen);
    this.active = Math.max(0, kept);
    let index = 0;
    this.list.replaceChildren(
      ...shown.map((section, number) => {
        const group = this.make("div", "palette-group");
        group.setAttribute("role", "group");
        const head = this.make("div", "palette-head", section.label);
        head.id = `palette-head-${number}`;
        group.setAttribute("aria-labelledby", head.id);
        group.append(head, ...section.lines.map((line) => this.option(line, index++)));
        return group;
      }),
    );
    const hits = this.standing.is === "found" ? this.standing.answer.groups.length : 0;
    this.says.textContent = sentence(now, hits);
    this.dialog.toggleAttribute("data-busy", now.is === "slow");
    this.mark();
  }

  private make(name: string, className: string, text = ""): HTMLElement {
    const element = this.page.createElement(name);
    element.className = className;
    element.textContent = text;
    return element;
  }

  private option(line: Line, index: number): HTMLElement {
    const option = this.make("div", "palette-item");
    option.id = `palette-${index}`;
    option.setAttribute("role", "option");
    const text = this.make("div", "palette-text");
    const title = this.make("div", "palette-title");
    title.append(...this.parts(line.title));
    text.append(title);
    if (line.detail.length > 0) {
      const detail = this.make("div", "palette-detail");
      detail.append(...this.parts(line.detail));
      text.append(detail);
    }
    option.append(this.icon(line.icon), text);
    if (line.archived) option.append(this.make("span", "badge tone-muted", "Archived"));
    if (line.side !== "") option.append(this.make("small", "palette-side", line.side));
    option.addEventListener("click", () => this.open(line));
    option.addEventListener("pointermove", () => {
      if (this.active === index) return;
      this.active = index;
      this.mark(false);
    });
    return option;
  }

  private parts(parts: readonly Part[]): Node[] {
    return parts.map((part) => (part.hit ? this.make("mark", "", part.text) : this.page.createTextNode(part.text)));
  }

  private icon(name: string): Element {
    const space = "http://www.w3.org/2000/svg";
    const icon = this.page.createElementNS(space, "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("viewBox", "0 0 16 16");
    icon.setAttribute("aria-hidden", "true");
    const use = this.page.createElementNS(space, "use");
    use.setAttribute("href", `${this.dialog.dataset["sprite"] ?? ""}#${name}`);
    icon.append(use);
    return icon;
  }

  private mark(scrolls = true): void {
    this.list.querySelectorAll("[role=option]").forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === this.active));
      if (scrolls && index === this.active) option.scrollIntoView({ block: "nearest" });
    });
    if (scrolls && this.active === 0) this.list.scrollTop = 0;
    this.input.setAttribute("aria-expanded", String(this.lines.length > 0));
    if (this.lines.length > 0) this.input.setAttribute("aria-activedescendant", `palette-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.active = around(this.active, event.key === "ArrowDown" ? 1 : -1, this.lines.length);
      this.moved = true;
      this.mark();
    } else if (event.key === "Enter") this.enter();
    else return;
    event.preventDefault();
  }

  private enter(): void {
    const isPending = this.seeker.isPending && !this.moved && named(this.input.value, this.items).length === 0;
    if (isPending) this.eager = true;
    else this.open(this.lines[this.active]);
  }

  private open(line: Line | undefined): void {
    if (!line) return;
    if (line.place.kind !== "page") this.recent.add(line.place);
    this.dialog.close();
    this.page.location.assign(line.href);
  }
}

/** Remembers this page if it is worth coming back to. */
function remember(page: Document, recent: Recent): void {
  const kind = kindOf(page.location.pathname);
  const label = page.querySelector("main h1")?.textContent?.trim() ?? "";
  if (kind && label !== "") recent.add({ label: label.slice(0, 200), href: page.location.pathname, kind });
}

/** Ctrl/Cmd+K opens pages, actions and everything that can be found. */
export function enhancePalette(page: Document): void {
  const dialog = page.querySelector<HTMLDialogElement>("dialog#palette");
  const input = dialog?.querySelector<HTMLInputElement>("[role=combobox]");
  const list = dialog?.querySelector<HTMLElement>("[role=listbox]");
  const says = dialog?.querySelector<HTMLElement>("[role=status]");
  if (!dialog || !input || !list || !says) return;
  const recent = new Recent(dialog.dataset["user"] ?? "", storage(page));
  const palette = new Palette(page, dialog, input, list, says, recent);
  remember(page, recent);
  for (const form of page.querySelectorAll('form[action="/logout"]')) form.addEventListener("submit", () => recent.clear());
  page.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    palette.show();
  });
  for (const button of page.querySelectorAll<HTMLElement>("[data-palette-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => palette.show());
  }
}
