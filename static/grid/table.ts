import type { Config, ShownColumn } from "./config";
import { buildLines, drift, groupKeys } from "./order";
import type { Store } from "./store";
import type { Group, Order } from "./wire";

/** The rows and columns now open, as lines: one a row or group head. */
export class Table {
  columns: readonly ShownColumn[] = [];
  lines: Int32Array = new Int32Array(0);
  groups: readonly Group[] = [];
  keys: readonly string[] = [];
  summary: Order["summary"] = {};
  colors: Readonly<Record<string, string>> = {};
  /** Rows that no longer match the view; they stay until it is refreshed. */
  left: ReadonlySet<number> = new Set();
  /** Rows ticked in the gutter. */
  readonly picked = new Set<number>();
  /** An answer newer than what is shown. */
  pending: Order | null = null;
  total = 0;

  #slots: number[] = [];
  #lineOf: Map<number, number> | null = null;
  #ordinals: Int32Array | null = null;

  constructor(readonly store: Store, readonly config: Config) {
    store.moved = (from, to) => this.#follow(from, to);
  }

  take(order: Order): void {
    this.#slots = order.slots.slice();
    this.groups = order.groups;
    this.keys = groupKeys(order.groups);
    this.summary = order.summary;
    this.colors = order.colors ?? {};
    this.total = order.total;
    this.left = new Set();
    this.pending = null;
    this.build();
  }

  /** A newer answer changes figures at once, rows only when asked to. */
  compare(order: Order): void {
    const { left, arrived, moved } = drift(this.#slots, order.slots);
    this.summary = order.summary;
    this.colors = order.colors ?? {};
    this.total = order.total;
    const fresh = new Map(groupKeys(order.groups).map((key, i) => [key, order.groups[i]]));
    this.groups = this.groups.map((group, g) => ({ ...group, subtotals: fresh.get(this.keys[g] ?? "")?.subtotals ?? group.subtotals }));
    this.left = new Set([...left].filter((slot) => this.store.isLive(slot)));
    this.append(arrived);
    // Rows that came stand last until a refresh puts them where they belong.
    const misplaced = arrived.some((slot, i) => order.slots[order.slots.length - arrived.length + i] !== slot);
    this.pending = moved || this.left.size > 0 || misplaced || (arrived.length > 0 && this.groups.length > 0) ? order : null;
    if (!this.pending && arrived.length === 0) this.#slots = order.slots.slice();
    this.build();
  }

  append(slots: readonly number[], after?: number): void {
    const known = new Set(this.#slots);
    const fresh = slots.filter((slot) => !known.has(slot));
    const at = after === undefined ? -1 : this.#slots.indexOf(after);
    this.#slots.splice(at < 0 ? this.#slots.length : at + 1, 0, ...fresh);
    if (at >= 0 && fresh.length > 0) {
      this.groups = this.groups.map((group) => ({
        ...group,
        start: group.start > at ? group.start + fresh.length : group.start,
        count: group.start <= at && at < group.start + group.count ? group.count + fresh.length : group.count,
      }));
    }
    this.build();
  }

  remove(slot: number): void {
    const at = this.#slots.indexOf(slot);
    if (at >= 0) this.#slots.splice(at, 1);
  }

  build(): void {
    const gone = this.#slots.some((slot) => this.store.isLoaded(slot) && !this.store.isLive(slot));
    const all = buildLines(this.#slots, this.groups, this.config.collapsed);
    this.lines = gone ? all.filter((line) => line < 0 || !this.store.isLoaded(line) || this.store.isLive(line)) : all;
    this.#lineOf = null;
    this.#ordinals = this.groups.length > 0 ? count(this.lines) : null;
    for (const slot of this.picked) if (this.store.isLoaded(slot) && !this.store.isLive(slot)) this.picked.delete(slot);
  }

  /** The number a row has for people: heads of groups do not count. */
  ordinal(line: number): number {
    return this.#ordinals ? (this.#ordinals[line] ?? 0) : line + 1;
  }

  /** The slot on a line, or −1 for a group head or nothing. */
  slot(line: number): number {
    return Math.max(-1, this.lines[line] ?? -1);
  }

  group(line: number): number {
    const entry = this.lines[line];
    return entry !== undefined && entry < 0 ? -1 - entry : -1;
  }

  line(slot: number): number {
    if (!this.#lineOf) {
      this.#lineOf = new Map();
      for (let i = 0; i < this.lines.length; i++) this.#lineOf.set(this.lines[i] ?? -1, i);
    }
    return this.#lineOf.get(slot) ?? -1;
  }

  /** Row slots within a stretch of lines. */
  slots(top: number, bottom: number): number[] {
    return Array.from(this.lines.subarray(Math.max(0, top), bottom + 1)).filter((entry) => entry >= 0);
  }

  get rows(): number {
    return this.#slots.length;
  }

  isCollapsed(group: number): boolean {
    return this.config.collapsed.has(this.keys[group] ?? "");
  }

  toggle(group: number, to?: boolean): void {
    const key = this.keys[group];
    if (key === undefined) return;
    const collapsed = this.config.collapsed;
    if (to ?? !collapsed.has(key)) collapsed.add(key);
    else collapsed.delete(key);
    this.config.setCollapsed(collapsed);
    this.build();
  }

  #follow(from: number, to: number): void {
    const at = this.#slots.indexOf(from);
    if (at < 0) return;
    // The live stream may have brought the row before our own answer did.
    if (this.#slots.includes(to)) this.#slots.splice(at, 1);
    else this.#slots[at] = to;
    if (this.picked.delete(from)) this.picked.add(to);
    this.build();
  }
}

function count(lines: Int32Array): Int32Array {
  let n = 0;
  return lines.map((entry) => (entry >= 0 ? ++n : n));
}
