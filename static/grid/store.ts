import type { ChangedRow, Column, Fund, Head, Person, Value, View, WireBlock } from "./wire";

interface Coded { readonly d: Value[]; readonly c: Uint16Array }
interface Plain { readonly v: Value[] }

interface Block {
  readonly ids: (string | null)[];
  readonly versions: Float64Array;
  readonly archived: Set<number>;
  readonly columns: Map<string, Coded | Plain>;
  readonly cut: Map<string, Set<number>>;
}

export type Listener = (slots: ReadonlySet<number> | null) => void;

function isSimple(value: Value): boolean {
  return typeof value !== "object";
}

/** Whether two values are the same for a reader. */
export function same(a: Value | undefined, b: Value | undefined): boolean {
  const left = blank(a) ? null : a;
  const right = blank(b) ? null : b;
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || !left || !right) return false;
  return JSON.stringify(left) === JSON.stringify(right);
}

export function blank(value: Value | undefined): boolean {
  return value === null || value === undefined || value === "" || value === false || (Array.isArray(value) && value.length === 0);
}

/** Everything the server said, plus what this page changed since. Cells stay in
    the blocks they came in: codes in typed arrays, values once a block. */
export class Store {
  version = 0;
  stamp: number | undefined;
  epoch: number | string = 0;
  columns: readonly Column[] = [];
  views: readonly View[] = [];
  users: readonly Person[] = [];
  funds: readonly Fund[] = [];
  me = "";
  isAdmin = false;
  slots = 0;

  #size = 2000;
  #blocks: (Block | undefined)[] = [];
  #byId = new Map<string, Column>();
  #slotOf = new Map<string, number>();
  #listeners = new Set<Listener>();
  #deleted = new Set<number>();

  head(head: Head): void {
    this.version = head.version;
    this.stamp = head.stamp;
    this.epoch = head.epoch;
    this.views = head.views;
    this.users = head.users;
    this.funds = head.funds;
    this.me = head.me;
    this.isAdmin = head.is_admin;
    this.slots = head.slots;
    this.#size = head.block || 2000;
    this.#blocks = [];
    this.#slotOf.clear();
    this.#deleted.clear();
    this.setColumns(head.columns);
  }

  block(wire: WireBlock): void {
    const block = this.#empty();
    wire.ids.forEach((id, i) => { block.ids[i] = id; });
    block.versions.set(wire.versions.slice(0, this.#size));
    for (const i of wire.archived ?? []) block.archived.add(i);
    for (const [id, column] of Object.entries(wire.columns)) {
      block.columns.set(id, "d" in column ? { d: column.d, c: this.#codes(column.c) } : { v: column.v });
    }
    for (const [id, indexes] of Object.entries(wire.cut ?? {})) block.cut.set(id, new Set(indexes));
    this.#blocks[Math.floor(wire.start / this.#size)] = block;
    this.slots = Math.max(this.slots, wire.start + wire.ids.length);
  }

  setColumns(columns: readonly Column[]): void {
    this.columns = [...columns].sort((a, b) => a.position - b.position);
    this.#byId = new Map(this.columns.map((column) => [column.id, column]));
  }

  column(id: string): Column | undefined {
    return this.#byId.get(id);
  }

  /** The column whose value names a row. */
  get title(): Column | undefined {
    return this.columns.find((column) => !column.derived);
  }

  listen(listener: Listener): void {
    this.#listeners.add(listener);
  }

  /** Tells what changed; null means anything may have. */
  tell(slots: ReadonlySet<number> | null): void {
    for (const listener of this.#listeners) listener(slots);
  }

  id(slot: number): string | null {
    return this.#at(slot)?.ids[slot % this.#size] ?? null;
  }

  slot(id: string): number | undefined {
    const known = this.#slotOf.get(id);
    if (known !== undefined) return known;
    for (const [index, block] of this.#blocks.entries()) {
      const i = block?.ids.indexOf(id) ?? -1;
      if (i < 0) continue;
      this.#slotOf.set(id, index * this.#size + i);
      return index * this.#size + i;
    }
    return undefined;
  }

  rowVersion(slot: number): number {
    return this.#at(slot)?.versions[slot % this.#size] ?? 0;
  }

  setRowVersion(slot: number, version: number): void {
    const block = this.#at(slot);
    if (block) block.versions[slot % this.#size] = version;
  }

  /** Whether the row is one that views show. */
  isLive(slot: number): boolean {
    const block = this.#at(slot);
    return !!block && !!block.ids[slot % this.#size] && !block.archived.has(slot % this.#size) && !this.#deleted.has(slot);
  }

  isLoaded(slot: number): boolean {
    return !!this.#at(slot);
  }

  setGone(slot: number, how: { archived: boolean; deleted: boolean }): void {
    const block = this.#at(slot);
    if (how.archived) block?.archived.add(slot % this.#size);
    else block?.archived.delete(slot % this.#size);
    if (how.deleted) this.#deleted.add(slot);
    else this.#deleted.delete(slot);
  }

  value(slot: number, column: string): Value {
    const cells = this.#at(slot)?.columns.get(column);
    if (!cells) return null;
    const i = slot % this.#size;
    if ("v" in cells) return cells.v[i] ?? null;
    const code = cells.c[i] ?? 0;
    return code === 0 ? null : (cells.d[code - 1] ?? null);
  }

  /** Whether only the beginning of a long text is here. */
  isCut(slot: number, column: string): boolean {
    return this.#at(slot)?.cut.get(column)?.has(slot % this.#size) ?? false;
  }

  set(slot: number, column: string, value: Value): void {
    const block = this.#at(slot) ?? this.#grow(slot);
    const i = slot % this.#size;
    block.cut.get(column)?.delete(i);
    const to = blank(value) ? null : value;
    let cells = block.columns.get(column);
    if (!cells) {
      if (to === null) return;
      cells = { v: [] };
      block.columns.set(column, cells);
    }
    if ("v" in cells) cells.v[i] = to;
    else if (to === null) cells.c[i] = 0;
    else {
      let k = isSimple(to) ? cells.d.indexOf(to) : -1;
      if (k < 0 && cells.d.length < 65_534) k = cells.d.push(to) - 1;
      if (k >= 0) cells.c[i] = k + 1;
      else {
        // The dictionary is full: this block's column goes on as plain values.
        const { c, d } = cells;
        const v = Array.from(c, (code) => (code === 0 ? null : (d[code - 1] ?? null)));
        v[i] = to;
        block.columns.set(column, { v });
      }
    }
  }

  /** A new row in the next free slot (or the one the server gave it). */
  add(id: string, slot = this.slots, version = 0): number {
    const block = this.#at(slot) ?? this.#grow(slot);
    block.ids[slot % this.#size] = id;
    block.versions[slot % this.#size] = version;
    this.#slotOf.set(id, slot);
    this.slots = Math.max(this.slots, slot + 1);
    return slot;
  }

  /** Takes a row as the server has it; `keep` names cells with newer edits of ours. */
  take(row: ChangedRow, keep: (column: string) => boolean): void {
    const mine = this.slot(row.id);
    if (mine !== undefined && mine !== row.slot) this.#move(mine, row.slot);
    if (this.id(row.slot) !== row.id) this.add(row.id, row.slot, row.version);
    this.setRowVersion(row.slot, row.version);
    this.setGone(row.slot, { archived: !!row.archived, deleted: !!row.deleted });
    if (row.deleted) return;
    for (const column of this.columns) {
      if (!keep(column.id)) this.set(row.slot, column.id, row.cells[column.id] ?? null);
    }
  }

  /** A row that was added here first has got another slot from the server. */
  #move(from: number, to: number): void {
    const id = this.id(from);
    if (!id) return;
    const there = this.id(to);
    if (there && there !== id) this.#slotOf.delete(there);
    this.add(id, to, this.rowVersion(from));
    for (const column of this.columns) this.set(to, column.id, this.value(from, column.id));
    const block = this.#at(from);
    if (block) block.ids[from % this.#size] = null;
    this.moved(from, to);
  }

  /** Set by whoever holds slots: they follow a row that moved. */
  moved: (from: number, to: number) => void = () => undefined;

  /** How the server sees the slot of a row this page added. */
  settle(id: string, slot: number): void {
    const mine = this.slot(id);
    if (mine !== undefined && mine !== slot) this.#move(mine, slot);
  }

  #at(slot: number): Block | undefined {
    return this.#blocks[Math.floor(slot / this.#size)];
  }

  #empty(): Block {
    return {
      ids: new Array<string | null>(this.#size).fill(null),
      versions: new Float64Array(this.#size),
      archived: new Set(),
      columns: new Map(),
      cut: new Map(),
    };
  }

  #codes(codes: readonly number[]): Uint16Array {
    const all = new Uint16Array(this.#size);
    all.set(codes.slice(0, this.#size));
    return all;
  }

  #grow(slot: number): Block {
    const block = this.#empty();
    this.#blocks[Math.floor(slot / this.#size)] = block;
    return block;
  }
}
