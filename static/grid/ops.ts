import { newId, type Answer, type Send } from "./send";
import type { Batch, Shelf, Trace } from "./shelf";
import { blank, same, type Store } from "./store";
import type { Applied, Conflict, Operation, Problem, Value } from "./wire";

export interface Edit { readonly slot: number; readonly column: string; readonly value: Value }

export interface Progress {
  readonly waiting: number;
  readonly isSending: boolean;
  readonly isOffline: boolean;
  readonly isSignedOut: boolean;
  readonly conflicts: readonly Conflict[];
  readonly refused: number;
}

/** Rows added here lie far behind the server's until it gives them a slot. */
export const PROVISIONAL = 8_000_000;
/** Refused cells of one column in one action, after which its other cells are not tried. */
const MOST_REFUSALS = 8;

const cell = (row: string, column: string): string => `${row}\t${column}`;

/** Edits on their way: shown at once, kept until answered, sent one action at a time. */
export class Ops {
  conflicts: Conflict[] = [];
  /** What was refused, by row and column, until the cell is edited again. */
  readonly refused = new Map<string, string>();
  /** Told after every change of the state of saving. */
  changed: (progress: Progress) => void = () => undefined;
  /** Told when an action was answered. */
  applied: (batch: Batch, applied: Applied) => void = () => undefined;
  /** Told when something did not fit. */
  complained: (message: string, slot: number | undefined) => void = () => undefined;

  readonly #store: Store;
  readonly #send: Send;
  #shelf: Shelf | null = null;
  #queue: Batch[] = [];
  #pending = new Map<string, number>();
  #sending: Batch | null = null;
  #offline = false;
  #signedOut = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idle: (() => void)[] = [];
  #fence: number | null = null;
  #fenced: (() => void)[] = [];
  #next = PROVISIONAL;
  #wrote = Promise.resolve();

  constructor(store: Store, send: Send) {
    this.#store = store;
    this.#send = send;
  }

  /** Puts back what an earlier page left unsent, and goes on sending. */
  async resume(shelf: Shelf): Promise<void> {
    const kept = await shelf.all();
    this.#shelf = shelf;
    this.conflicts.push(...kept.conflicts);
    const touched = new Set<number>();
    for (const batch of kept.batches) {
      this.#show(batch, touched);
      this.#queue.push(batch);
    }
    // Edits made while the shelf was being opened are newer than those on it.
    this.#queue.sort((a, b) => a.at - b.at);
    for (const batch of this.#queue) this.#keep(batch);
    if (touched.size > 0) this.#store.tell(touched);
    this.#tell();
    void this.#pump();
  }

  /** Lays what waits on top again, after the store was read anew. */
  reshow(): void {
    for (const { traces } of this.#queue) {
      for (const { row, column, after } of traces) {
        const slot = this.#store.slot(row);
        if (slot !== undefined) this.#store.set(slot, column, after);
      }
    }
  }

  isPending(row: string, column: string): boolean {
    return this.#pending.has(cell(row, column));
  }

  problem(row: string, column: string): string | undefined {
    return this.refused.size > 0 ? this.refused.get(cell(row, column)) : undefined;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  /** Resolves once everything queued so far is answered. */
  settled(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((done) => this.#idle.push(done));
  }

  /** Lets what is queued now go out and holds back what comes after, until
      released: an undo must not meet an edit made after it. */
  fence(): Promise<void> {
    this.#fence = this.#queue.at(-1)?.at ?? 0;
    return this.isIdle ? Promise.resolve() : new Promise((done) => this.#fenced.push(done));
  }

  /** Goes on sending; edits of cells that were undone meanwhile are based on that. */
  release(applied?: Applied, traces: readonly Trace[] = []): void {
    this.#fence = null;
    if (applied) this.#rebase({ traces, operations: [] }, applied);
    void this.#pump();
  }

  /** Changes cells as one action; gives it back, or null if nothing differs. */
  edit(edits: readonly Edit[], label: string, extra: readonly Operation[] = []): Batch | null {
    const operations: Operation[] = [...extra];
    const traces: Trace[] = [];
    for (const { slot, column, value } of edits) {
      const row = this.#store.id(slot);
      const before = this.#store.value(slot, column);
      if (!row || same(before, value)) continue;
      const after = blank(value) ? null : value;
      traces.push({ row, column, before, after });
      if (column === "@list") operations.push({ op: "move", row, list: String(after ?? "main"), reason: "" });
      else if (column === "@stage") operations.push({ op: "set_stage", row, stage: String(after ?? "lead") });
      else operations.push({ op: "set", row, column, value: after, base: this.#store.rowVersion(slot) });
    }
    return this.run(operations, label, traces);
  }

  /** Any operations as one action. */
  run(operations: readonly Operation[], label: string, traces: readonly Trace[] = []): Batch | null {
    if (operations.length === 0) return null;
    const last = this.#queue.at(-1)?.at ?? 0;
    const batch: Batch = { key: newId(), label, at: Math.max(Date.now(), last + 1), operations: [...operations], traces: [...traces] };
    const touched = new Set<number>();
    this.#show(batch, touched);
    this.#queue.push(batch);
    this.#keep(batch);
    this.#store.tell(touched);
    this.#tell();
    void this.#pump();
    return batch;
  }

  /** Takes back an action that has not been sent yet. */
  withdraw(key: string): boolean {
    const at = this.#queue.findIndex((batch) => batch.key === key);
    const batch = this.#queue[at];
    if (!batch || batch === this.#sending) return false;
    this.#queue.splice(at, 1);
    this.#finish(batch);
    this.#revert(batch);
    this.#tell();
    return true;
  }

  decide(conflict: Conflict, keepMine: boolean): void {
    this.conflicts = this.conflicts.filter((it) => it !== conflict);
    this.#keepConflicts();
    const slot = this.#store.slot(conflict.row);
    // Keeping mine is a new edit, based on the row as it is now.
    if (keepMine && slot !== undefined && conflict.column) this.edit([{ slot, column: conflict.column, value: conflict.yours }], "Kept over another change");
    this.#tell();
  }

  /** Tries at once: the network is back, or someone signed in again. */
  retry(): void {
    clearTimeout(this.#timer);
    this.#offline = false;
    this.#signedOut = false;
    void this.#pump();
  }

  /** Sends nothing more; what waits stays on the shelf. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#signedOut = true;
  }

  /** Takes over what the answer to an undo says about rows. */
  absorb(applied: Applied): ReadonlySet<number> {
    const touched = new Set<number>();
    for (const { id, version, slot } of applied.rows) {
      if (slot !== undefined) this.#store.settle(id, slot);
      const at = this.#store.slot(id);
      if (at === undefined) continue;
      this.#store.setRowVersion(at, version);
      touched.add(at);
    }
    for (const { row, slot, cells } of applied.computed ?? []) {
      if (slot !== undefined) this.#store.settle(row, slot);
      const at = this.#store.slot(row);
      if (at === undefined) continue;
      for (const [column, value] of Object.entries(cells)) if (!this.isPending(row, column)) this.#store.set(at, column, value);
      touched.add(at);
    }
    for (const conflict of applied.conflicts) {
      const at = this.#store.slot(conflict.row);
      if (at !== undefined && conflict.column && !this.isPending(conflict.row, conflict.column)) {
        this.#store.set(at, conflict.column, conflict.theirs);
        touched.add(at);
      }
      // A request repeated after a reload is answered with the conflicts it had.
      const isKnown = this.conflicts.some((it) => it.row === conflict.row && it.column === conflict.column && same(it.yours, conflict.yours));
      if (!isKnown) this.conflicts.push(conflict);
    }
    if (applied.conflicts.length > 0) this.#keepConflicts();
    return touched;
  }

  #show(batch: Batch, touched: Set<number>): void {
    for (const operation of batch.operations) {
      if (operation.op === "add_row") {
        const slot = this.#store.slot(operation.id) ?? this.#store.add(operation.id, this.#next++);
        for (const [column, value] of Object.entries(operation.cells ?? {})) this.#store.set(slot, column, value);
        this.#store.set(slot, "@list", operation.list ?? "main");
        touched.add(slot);
      } else if (operation.op === "archive" || operation.op === "delete" || operation.op === "restore") {
        const slot = this.#store.slot(operation.row);
        if (slot === undefined) continue;
        this.#store.setGone(slot, { archived: operation.op === "archive", deleted: operation.op === "delete" });
        touched.add(slot);
      }
    }
    for (const { row, column, after } of batch.traces) {
      const slot = this.#store.slot(row);
      if (slot === undefined) continue;
      this.#store.set(slot, column, after);
      const key = cell(row, column);
      this.#pending.set(key, (this.#pending.get(key) ?? 0) + 1);
      this.refused.delete(key);
      touched.add(slot);
    }
  }

  async #pump(): Promise<void> {
    const batch = this.#queue[0];
    if (this.#fence !== null && (!batch || batch.at > this.#fence)) {
      for (const done of this.#fenced.splice(0)) done();
      return;
    }
    if (!batch || this.#sending || this.#offline || this.#signedOut) return;
    this.#sending = batch;
    this.#tell();
    const answer = await this.#send(batch.operations, batch.key, batch.label);
    this.#sending = null;
    this.#take(batch, answer);
    this.#tell();
    if (this.#queue.length === 0) for (const done of this.#idle.splice(0)) done();
    void this.#pump();
  }

  #take(batch: Batch, answer: Answer): void {
    if (answer.is === "unreachable") {
      this.#offline = true;
      const wait = Math.min(30_000, 1_000 * 2 ** this.#attempt++);
      this.#timer = setTimeout(() => this.retry(), wait);
      return;
    }
    this.#attempt = 0;
    if (answer.is === "signed_out") {
      this.#signedOut = true;
      return;
    }
    if (answer.is === "refused") {
      this.#refuse(batch, answer.status, answer.problem);
      return;
    }
    this.#queue.shift();
    this.#settle(batch);
    this.#rebase(batch, answer.applied);
    // Conflicts are on the shelf before the action leaves it: a page closed
    // between the two must lose neither.
    const touched = new Set(this.absorb(answer.applied));
    this.#write((shelf) => shelf.remove(batch.key));
    for (const { row } of batch.traces) touched.add(this.#store.slot(row) ?? -1);
    this.#store.tell(touched);
    this.applied(batch, answer.applied);
  }

  /** A later edit of a cell we have just written is based on what we wrote. */
  #rebase(batch: { readonly traces: readonly Trace[]; readonly operations: readonly Operation[] }, applied: Applied): void {
    const versions = new Map(applied.rows.map(({ id, version }) => [id, version]));
    const lost = new Set(applied.conflicts.map((it) => cell(it.row, it.column ?? "")));
    const wrote = new Set(batch.traces.map((it) => cell(it.row, it.column)).filter((key) => !lost.has(key)));
    const added = new Set(batch.operations.flatMap((it) => (it.op === "add_row" ? [it.id] : [])));
    for (const later of this.#queue) {
      let isNew = false;
      for (const operation of later.operations) {
        if (operation.op !== "set") continue;
        const version = versions.get(operation.row);
        if (version === undefined || version <= operation.base) continue;
        if (!wrote.has(cell(operation.row, operation.column)) && !added.has(operation.row)) continue;
        operation.base = version;
        isNew = true;
      }
      if (isNew) this.#keep(later);
    }
  }

  #refuse(batch: Batch, status: number, problem: Problem): void {
    const index = Number(/^operations\[(\d+)\]/.exec(problem.field ?? "")?.[1] ?? Number.NaN);
    // A rule of the whole column, such as unique, is broken by its cells together.
    const rule = /^columns\.([^.]+)/.exec(problem.field ?? "")?.[1];
    const bad = batch.operations[index] ?? (rule === undefined ? undefined : batch.operations.find((it) => it.op === "set" && it.column === rule));
    this.#queue.shift();
    this.#finish(batch);
    // The server has answered this very key before: the action is done.
    if (status === 409 && problem.code === "idempotency_key_reused") return;
    if (status === 422 && bad?.op === "set") {
      const isMine = (it: Trace): boolean => it.row === bad.row && it.column === bad.column;
      this.#revert({ ...batch, operations: [bad], traces: batch.traces.filter(isMine) });
      this.refused.set(cell(bad.row, bad.column), problem.detail);
      const slot = this.#store.slot(bad.row);
      this.complained(problem.detail, slot);
      const action = `${batch.label}\t${batch.at}\t${bad.column}`;
      const tries = (this.#refusals.get(action) ?? 0) + 1;
      this.#refusals.set(action, tries);
      // One request a misfit would be many: a column that goes on refusing is left out.
      const isGivenUp = rule !== undefined || tries >= MOST_REFUSALS;
      const leaves = (it: Operation): boolean => it === bad || (isGivenUp && it.op === "set" && it.column === bad.column);
      const isOut = (it: Trace): boolean => isMine(it) || (isGivenUp && it.column === bad.column);
      if (isGivenUp) {
        const untried = batch.traces.filter((it) => it.column === bad.column && !isMine(it));
        this.#revert({ ...batch, operations: [], traces: untried });
        for (const { row, column } of untried) this.refused.set(cell(row, column), rule === undefined ? `Not tried: ${tries} other cells of this field were refused. ${problem.detail}` : problem.detail);
        if (untried.length > 0 && rule === undefined) this.complained(`${tries} cells of one field were refused, so ${untried.length} more of it were not tried. ${problem.detail}`, slot);
      }
      const rest: Batch = { ...batch, key: newId(), operations: batch.operations.filter((it) => !leaves(it)), traces: batch.traces.filter((it) => !isOut(it)) };
      if (rest.operations.length > 0) {
        // Nothing was written. What fits is sent again without what does not.
        for (const { row, column } of rest.traces) this.#pending.set(cell(row, column), (this.#pending.get(cell(row, column)) ?? 0) + 1);
        this.#queue.unshift(rest);
        this.#keep(rest);
        if (slot !== undefined) this.#store.tell(new Set([slot]));
      }
    } else {
      this.#revert(batch);
      this.complained(problem.detail, undefined);
      for (const { row, column } of batch.traces.slice(0, 1_000)) this.refused.set(cell(row, column), problem.detail);
    }
  }

  #refusals = new Map<string, number>();

  #finish(batch: Batch): void {
    this.#settle(batch);
    this.#write((shelf) => shelf.remove(batch.key));
  }

  #settle(batch: Batch): void {
    for (const { row, column } of batch.traces) {
      const left = (this.#pending.get(cell(row, column)) ?? 1) - 1;
      if (left > 0) this.#pending.set(cell(row, column), left);
      else this.#pending.delete(cell(row, column));
    }
  }

  /** Takes an action back here, unless a later one of ours lies on top. */
  #revert(batch: Batch): void {
    const touched = new Set<number>();
    for (const { row, column, before } of batch.traces) {
      const slot = this.#store.slot(row);
      if (slot === undefined) continue;
      touched.add(slot);
      if (!this.isPending(row, column)) this.#store.set(slot, column, before);
    }
    for (const operation of batch.operations) {
      if (operation.op !== "add_row" && operation.op !== "archive" && operation.op !== "delete" && operation.op !== "restore") continue;
      const slot = this.#store.slot(operation.op === "add_row" ? operation.id : operation.row);
      if (slot === undefined) continue;
      this.#store.setGone(slot, { archived: operation.op === "restore", deleted: operation.op === "add_row" });
      touched.add(slot);
    }
    this.#store.tell(touched);
  }

  #keep(batch: Batch): void {
    this.#write((shelf) => shelf.put(batch));
  }

  #keepConflicts(): void {
    const all = this.conflicts.slice();
    this.#write((shelf) => shelf.conflicts(all));
  }

  /** Writes to the shelf in order; a browser that refuses costs only the safety of a reload. */
  #write(work: (shelf: Shelf) => Promise<void>): void {
    const shelf = this.#shelf;
    if (shelf) this.#wrote = this.#wrote.then(() => work(shelf)).catch(() => undefined);
  }

  #tell(): void {
    this.changed(this.progress);
  }

  get progress(): Progress {
    return {
      waiting: this.#queue.reduce((sum, batch) => sum + batch.operations.length, 0),
      isSending: this.#sending !== null,
      isOffline: this.#offline,
      isSignedOut: this.#signedOut,
      conflicts: this.conflicts,
      refused: this.refused.size,
    };
  }
}
