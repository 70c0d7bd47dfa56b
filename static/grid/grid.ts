import { Editors } from "./editing";
import { h, later } from "./dom";
import type { Config } from "./config";
import type { Live } from "./live";
import { PROVISIONAL, type Edit, type Ops } from "./ops";
import { ask, Refused } from "./order";
import { Overlay } from "./overlay";
import { Selection } from "./selection";
import { newId } from "./send";
import type { Trace } from "./shelf";
import { blank, type Store } from "./store";
import { Table } from "./table";
import type { Undo } from "./undo";
import { isEditable, text } from "./values";
import { Viewport } from "./viewport";
import { startOf } from "./prefill";
import type { Column, Here, Operation, Problem, Value } from "./wire";

export interface Speaker {
  /** For screen readers only. */
  say(message: string): void;
  /** For everyone. */
  notify(message: string, tone?: "info" | "bad"): void;
}

/** The open grid: what the person looks at, where they are, and what they may do. */
export class Grid {
  readonly root = h("section", { class: "g-root", "aria-label": "Investors" });
  readonly table: Table;
  readonly view: Viewport;
  readonly overlay: Overlay;
  readonly selection = new Selection();
  readonly editors: Editors;
  /** Always focused while the grid is: what is typed arrives here, composed or not. */
  readonly input = h("textarea", { class: "g-type", rows: 1, autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-label": "Cell. Type to replace, Enter to edit, question mark for help", "aria-multiline": "false" });
  live: Live | null = null;
  /** Set by the record panel. */
  expand: (slot: number) => void = () => undefined;
  /** Runs after rows or columns changed: cards, panel and bars follow. */
  readonly follow = new Set<() => void>();

  /** The moment shown instead of now: nothing can be edited then. */
  past: string | null = null;
  /** The newest version seen, also while the past is shown. */
  newest = 0;
  /** Why the server refused the view as it is changed here. */
  refusal: Problem | null = null;
  /** Shows another moment, or now; set by whoever loads. */
  travel: (to: string | null) => Promise<void> = async () => undefined;

  #people: readonly Here[] = [];
  #asking: AbortController | null = null;
  readonly #compareSoon = later(() => void this.ask("compare"), 500);

  constructor(readonly store: Store, readonly config: Config, readonly ops: Ops, readonly undo: Undo, readonly speaker: Speaker) {
    this.table = new Table(store, config);
    this.view = new Viewport(this.table, {
      problem: (slot, column) => ops.problem(store.id(slot) ?? "", column),
      isPending: (slot, column) => ops.isPending(store.id(slot) ?? "", column),
    });
    this.overlay = new Overlay(this.view);
    // Boxes lie in the table and scroll with it: only the active cell's element changes.
    this.view.painted = () => this.#pointAtActive();
    this.editors = new Editors(this);
    this.input.setAttribute("aria-controls", this.view.scroller.id);
    store.listen((slots) => this.#stored(slots));
    config.listen((changed) => {
      if (changed === "order") void this.ask("take");
      this.layout();
    });
  }

  layout(): void {
    this.table.columns = this.config.shown(this.store.columns);
    this.view.layout();
    this.#clamp();
    this.#tellFollowers();
  }

  #stored(slots: ReadonlySet<number> | null): void {
    if (slots === null) {
      this.layout();
      return;
    }
    let isStructure = false;
    const added: number[] = [];
    for (const slot of slots) {
      const shown = this.table.line(slot) >= 0;
      if (shown !== this.store.isLive(slot) && shown) isStructure = true;
      // A row this page added shows at once; what others added comes with the order.
      if (!shown && slot >= PROVISIONAL && this.store.isLive(slot)) added.push(slot);
    }
    if (added.length > 0) this.table.append(added);
    if (isStructure || added.length > 0) {
      this.table.build();
      this.view.refresh();
      this.#clamp();
    } else this.view.paintSlots(slots);
    this.drawSelection();
    this.#tellFollowers();
    this.#compareSoon();
  }

  /** Has bars, panels and cards drawn anew. */
  told(): void {
    this.#tellFollowers();
  }

  #tellFollowers(): void {
    for (const follower of this.follow) follower();
  }

  /** Asks the server for the rows of the view: to show them, or only to know what differs. */
  async ask(how: "take" | "compare"): Promise<void> {
    if (how === "compare" && (!this.ops.isIdle || this.#asking)) {
      this.#compareSoon();
      return;
    }
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const order = await ask(this.config, asking.signal, this.past);
      this.refusal = null;
      if (how === "take") {
        this.table.take(order);
        this.view.scroller.scrollTop = Math.min(this.view.scroller.scrollTop, this.table.lines.length * this.view.geometry.rowHeight);
      } else this.table.compare(order);
      this.view.refresh();
      this.#clamp();
      this.#tellFollowers();
      if (how === "take") this.speaker.say(`${this.table.total} rows`);
    } catch (error) {
      if (asking.signal.aborted) return;
      if (error instanceof Refused) {
        this.refusal = error.problem;
        // An open builder shows it where it belongs.
        if (!document.querySelector(".g-builder")) this.speaker.notify(error.problem.detail, "bad");
        this.#tellFollowers();
        return;
      }
      if (how === "take") this.speaker.notify("The order of the rows could not be loaded. What you see may be old.", "bad");
      console.debug(error);
    } finally {
      if (this.#asking === asking) this.#asking = null;
    }
  }

  /** Shows what the view would show now. */
  refresh(): void {
    void this.ask("take");
  }

  #clamp(): void {
    this.selection.clamp(Math.max(1, this.table.lines.length), Math.max(1, this.table.columns.length));
    this.drawSelection();
  }

  // Where one is.

  get line(): number { return this.selection.anchor.line; }
  get slot(): number { return this.table.slot(this.line); }
  get column(): Column | undefined { return this.table.columns[this.selection.anchor.column]?.column; }

  move(line: number, column: number, extend = false): void {
    const to = { line: Math.max(0, Math.min(this.table.lines.length - 1, line)), column: Math.max(0, Math.min(this.table.columns.length - 1, column)) };
    if (extend) this.selection.extend(to.line, to.column);
    else this.selection.place(to.line, to.column);
    this.view.reveal(to.line, to.column);
    this.drawSelection();
    this.announce();
    void this.whole(this.slot);
  }

  drawSelection(): void {
    if (this.table.lines.length === 0 || this.table.columns.length === 0) return;
    const slot = this.slot;
    const id = this.store.id(slot);
    this.overlay.select(this.selection, slot < 0, id && this.column ? this.ops.problem(id, this.column.id) : undefined);
    this.#pointAtActive();
    this.live?.at(id, this.column?.id ?? null);
    this.#drawPeople();
  }

  #pointAtActive(): void {
    const { line, column } = this.selection.anchor;
    const id = this.view.cell(line, column)?.id ?? null;
    if (id === this.input.getAttribute("aria-activedescendant")) return;
    if (id) this.input.setAttribute("aria-activedescendant", id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  announce(): void {
    const { rect, isSingle } = this.selection;
    if (!isSingle) {
      this.speaker.say(`${rect.bottom - rect.top + 1} rows by ${rect.right - rect.left + 1} columns selected`);
      return;
    }
    const group = this.table.group(this.line);
    if (group >= 0) {
      const it = this.table.groups[group];
      this.speaker.say(`Group ${it?.label ?? ""}, ${it?.count ?? 0} rows, ${this.table.isCollapsed(group) ? "collapsed" : "expanded"}`);
      return;
    }
    const column = this.column;
    if (!column) return;
    const value = text(column, this.store.value(this.slot, column.id), this.store) || "empty";
    const problem = this.ops.problem(this.store.id(this.slot) ?? "", column.id);
    this.speaker.say(`${column.name}: ${value}. Row ${this.table.ordinal(this.line)}.${isEditable(column) ? "" : " Read only."}${problem ? ` Refused: ${problem}` : ""}`);
  }

  focus(): void {
    this.input.focus({ preventScroll: true });
  }

  people(all: readonly Here[]): void {
    this.#people = all;
    this.#drawPeople();
  }

  get others(): readonly Here[] { return this.#people; }

  #drawPeople(): void {
    const index = new Map(this.table.columns.map((it, i) => [it.column.id, i]));
    this.overlay.people(this.#people.flatMap((who) => {
      const slot = who.row === null ? undefined : this.store.slot(who.row);
      const line = slot === undefined ? -1 : this.table.line(slot);
      const column = index.get(who.column ?? "") ?? -1;
      return line >= 0 && column >= 0 ? [{ who, line, column }] : [];
    }));
  }

  // What one does.

  /** Whether the past is shown, in which nothing can be changed; says so. */
  isPast(): boolean {
    if (this.past) this.speaker.notify("This is how the grid was. Go back to now to edit it.");
    return this.past !== null;
  }

  edit(edits: readonly Edit[], label: string, extra: readonly Operation[] = []): void {
    if (!this.isPast()) this.undo.push(this.ops.edit(edits, label, extra));
  }

  run(operations: readonly Operation[], label: string, traces: readonly Trace[] = []): void {
    if (!this.isPast()) this.undo.push(this.ops.run(operations, label, traces));
  }

  setOne(slot: number, column: Column, value: Value): void {
    this.edit([{ slot, column: column.id, value }], `Set ${column.name}`);
  }

  /** Empties what is selected and may be edited. */
  clear(): void {
    const { rect } = this.selection;
    const columns = this.table.columns.slice(rect.left, rect.right + 1).map((it) => it.column).filter((it) => isEditable(it) && !it.derived);
    const edits = this.table.slots(rect.top, rect.bottom).flatMap((slot) => columns.map((column) => ({ slot, column: column.id, value: null })));
    this.edit(edits, edits.length === 1 ? `Cleared ${columns[0]?.name ?? ""}` : `Cleared ${edits.length} cells`);
  }

  /** A new row at the end, or below another, begun as the view's filter asks. */
  addRow(after?: number): void {
    if (this.isPast()) return;
    const id = newId();
    const { list, cells } = startOf(this.config.now.filter, this.store);
    const below = after === undefined ? undefined : this.store.id(after) ?? undefined;
    const traces = Object.entries(cells).map(([column, value]) => ({ row: id, column, before: null, after: value }));
    this.run([{ op: "add_row", id, list, ...(Object.keys(cells).length > 0 && { cells }), ...(below && { after: below }) }], "Added a row", traces);
    const slot = this.store.slot(id) ?? -1;
    if (after !== undefined) { this.table.remove(slot); this.table.append([slot], after); this.view.refresh(); }
    this.move(Math.max(0, this.table.line(slot)), 0);
  }

  /** Loads long texts of which only the beginning is here. */
  async whole(slot: number): Promise<void> {
    const cut = this.store.columns.filter((column) => this.store.isCut(slot, column.id));
    const id = this.store.id(slot);
    if (cut.length === 0 || !id) return;
    const answer = await fetch(`/api/fundraising/rows/${encodeURIComponent(id)}`, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const { cells } = (await answer.json()) as { cells: Record<string, Value> };
    for (const column of cut) {
      if (!this.ops.isPending(id, column.id) && this.store.isCut(slot, column.id)) this.store.set(slot, column.id, cells[column.id] ?? null);
    }
    this.view.paintSlots(new Set([slot]));
  }

  isFilled(line: number, column: number): boolean {
    const it = this.table.columns[column]?.column;
    const slot = this.table.slot(line);
    return slot >= 0 && !!it && !blank(this.store.value(slot, it.id));
  }

  /** Opens a panel or menu by its name; they are loaded when first opened. */
  menu(name: string, detail: Readonly<Record<string, unknown>> = {}): void {
    this.root.dispatchEvent(new CustomEvent("grid:menu", { bubbles: true, detail: { name, ...detail } }));
  }
}
