import type { Column, ColumnSetting, RowHeight, View, ViewConfig } from "./wire";

export const HEIGHTS: Readonly<Record<RowHeight, number>> = { short: 32, medium: 44, tall: 72 };
export const GUTTER = 68;
/** Width of the column that names a row. */
const TITLE = 230;

export interface ShownColumn {
  readonly column: Column;
  readonly width: number;
}

function usualWidth(column: Column): number {
  switch (column.type) {
    case "long_text": return 260;
    case "contacts": case "multi_select": case "email": case "url": return 200;
    case "checkbox": return 90;
    case "rating": case "date": return 120;
    case "date_time": return 150;
    default: return 150;
  }
}

/** Columns as a view shows them: in its order, without the hidden, with widths.
    Columns the view does not name follow in their own order. */
export function shownColumns(columns: readonly Column[], config: ViewConfig): ShownColumn[] {
  const byId = new Map(columns.map((column) => [column.id, column]));
  const named = config.columns ?? [];
  const settings = new Map(named.map((setting) => [setting.id, setting]));
  const order = [...named.map((setting) => setting.id), ...columns.map((c) => c.id).filter((id) => !settings.has(id))];
  const shown: ShownColumn[] = [];
  const title = columns.find((column) => !column.derived);
  for (const id of order) {
    const column = byId.get(id);
    const setting = settings.get(id);
    if (!column || (setting?.hidden ?? column.hidden)) continue;
    shown.push({ column, width: Math.max(48, setting?.width ?? (column === title ? TITLE : usualWidth(column))) });
  }
  // The title stays first and shown: a row without its name says nothing.
  const at = shown.findIndex((it) => it.column === title);
  if (at > 0) shown.unshift(...shown.splice(at, 1));
  else if (at < 0 && title) shown.unshift({ column: title, width: settings.get(title.id)?.width ?? TITLE });
  return shown;
}

/** The view the address names, else the one the page was made for, else the first. */
export function firstView(views: readonly View[], search: string, given: string): View | null {
  const asked = new URLSearchParams(search).get("view");
  return views.find((it) => it.id === asked) ?? views.find((it) => it.id === given || it.name.toLowerCase().replace(/[^a-z]+/g, "_") === given) ?? views[0] ?? null;
}

/** What a change touches: the server's order, or only how it is painted. */
export type Changed = "order" | "layout";
export type ConfigListener = (changed: Changed) => void;

const ORDERING: readonly (keyof ViewConfig)[] = ["filter", "sorts", "groups", "colors", "summaries"];

interface Kept { local?: ViewConfig; personal?: Personal }
/** Per person and view, on this device: never part of what is saved for everyone. */
interface Personal { widths?: Record<string, number>; collapsed?: string[]; scroll?: readonly [number, number] }

/** Absent, empty and the usual are one and the same. */
function written(key: keyof ViewConfig, value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  if (text === "[]" || text === "{}" || text === '{"all":[]}' || text === '{"any":[]}') return "";
  if ((key === "row_height" && value === "short") || (key === "frozen" && value === 1)) return "";
  return text;
}

/** The view in force: its saved form, what is changed "for you" on top, a search. */
export class Config {
  view: View | null = null;
  search = "";
  #local: ViewConfig = {};
  #personal: Personal = {};
  #listeners = new Set<ConfigListener>();
  #disk: Pick<Storage, "getItem" | "setItem"> | null;

  constructor(disk: Pick<Storage, "getItem" | "setItem"> | null = null) {
    this.#disk = disk;
  }

  /** The configuration in force. */
  get now(): ViewConfig {
    return { ...this.view?.config, ...this.#local };
  }

  get isDirty(): boolean {
    return Object.keys(this.#local).length > 0;
  }

  /** What differs from the saved view, for "unsaved for you". */
  get unsaved(): ViewConfig {
    return this.#local;
  }

  get rowHeight(): number {
    return HEIGHTS[this.now.row_height ?? "short"];
  }

  get collapsed(): Set<string> {
    return new Set(this.#personal.collapsed ?? []);
  }

  shown(columns: readonly Column[]): ShownColumn[] {
    const widths = this.#personal.widths ?? {};
    return shownColumns(columns, this.now).map((it) => ({ ...it, width: widths[it.column.id] ?? it.width }));
  }

  listen(listener: ConfigListener): void {
    this.#listeners.add(listener);
  }

  /** Opens a view with whatever this person had changed and not saved. */
  load(view: View | null): void {
    this.view = view;
    const kept = this.#read();
    this.#local = kept.local ?? {};
    this.#personal = kept.personal ?? {};
    this.#tell("order");
  }

  /** Takes a newer form of the view in force from the server. */
  refresh(views: readonly View[]): void {
    const fresh = views.find((view) => view.id === this.view?.id);
    if (!fresh || JSON.stringify(fresh) === JSON.stringify(this.view)) return;
    this.view = fresh;
    this.#tell("order");
  }

  /** Changes the view for this person; saving it for everyone is a step of its own. */
  set(part: ViewConfig): void {
    const before = this.now;
    this.#local = { ...this.#local, ...part };
    for (const key of Object.keys(this.#local) as (keyof ViewConfig)[]) {
      if (written(key, this.#local[key]) === written(key, this.view?.config[key])) delete this.#local[key];
    }
    this.#write();
    const ordering = ORDERING.some((key) => written(key, before[key]) !== written(key, this.now[key]));
    this.#tell(ordering ? "order" : "layout");
  }

  setSearch(text: string): void {
    this.search = text;
    this.#tell("order");
  }

  discard(): void {
    this.#local = {};
    this.#write();
    this.#tell("order");
  }

  /** Call after the server took `unsaved` into the view. */
  saved(view: View): void {
    this.view = view;
    this.#local = {};
    this.#write();
    this.#tell("order");
  }

  /** How far this person had scrolled, from the top and from the left. */
  get scroll(): readonly [number, number] {
    return this.#personal.scroll ?? [0, 0];
  }

  setScroll(top: number, left: number): void {
    this.#personal = { ...this.#personal, scroll: [top, left] };
    this.#write();
  }

  setWidth(id: string, width: number): void {
    const widths = { ...this.#personal.widths, [id]: Math.round(Math.max(48, Math.min(900, width))) };
    this.#personal = { ...this.#personal, widths };
    this.#write();
    this.#tell("layout");
  }

  /** Puts a column before another, or last. */
  moveColumn(id: string, before: string | null, columns: readonly Column[]): void {
    const settings = new Map((this.now.columns ?? []).map((it) => [it.id, it]));
    const all = [...settings.keys(), ...columns.map((c) => c.id).filter((known) => !settings.has(known))].filter((it) => it !== id);
    const at = before === null ? all.length : Math.max(0, all.indexOf(before));
    all.splice(at, 0, id);
    this.set({ columns: all.map((it): ColumnSetting => settings.get(it) ?? { id: it }) });
  }

  setCollapsed(keys: ReadonlySet<string>): void {
    this.#personal = { ...this.#personal, collapsed: [...keys] };
    this.#write();
  }

  #tell(changed: Changed): void {
    for (const listener of this.#listeners) listener(changed);
  }

  get #key(): string {
    return `grid-view:${this.view?.id ?? "all"}`;
  }

  #read(): Kept {
    try {
      return JSON.parse(this.#disk?.getItem(this.#key) ?? "{}") as Kept;
    } catch {
      return {};
    }
  }

  #write(): void {
    try {
      this.#disk?.setItem(this.#key, JSON.stringify({ local: this.#local, personal: this.#personal } satisfies Kept));
    } catch {
      // A full or forbidden storage only means that a reload forgets.
    }
  }
}
