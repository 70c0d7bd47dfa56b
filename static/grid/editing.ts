import type { Editor, Go } from "./editors/editor";
import { openEditor, ready } from "./editors/open";
import type { Grid } from "./grid";
import { same } from "./store";
import { isEditable, list, shownAs } from "./values";
import type { Choice, Column, Operation, Options, Value } from "./wire";

const COLORS = ["blue", "green", "orange", "purple", "teal", "pink", "yellow", "cyan", "red", "gray"];

/** Opens editors over cells, one at a time, and knows how to close them. */
export class Editors {
  #open: { editor: Editor; close: (focus: boolean) => void } | null = null;

  #coming: { seed: string | undefined } | null = null;

  constructor(readonly grid: Grid) {}

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Closes the open editor; what fits is kept. */
  flush(): void {
    this.#open?.editor.flush();
  }

  /** Edits the active cell; `seed` is what was typed to open it. */
  async edit(seed?: string): Promise<void> {
    const { grid } = this;
    if (this.#coming) {
      if (seed !== undefined) this.#coming.seed = (this.#coming.seed ?? "") + seed;
      return;
    }
    const wait = ready(grid.column?.type);
    if (wait) {
      // What is typed meanwhile is not lost.
      const coming = { seed };
      this.#coming = coming;
      await wait.catch(() => undefined);
      this.#coming = null;
      seed = coming.seed;
    }
    const { slot, column } = grid;
    if (slot < 0 || !column || grid.isPast()) return;
    if (!isEditable(column)) {
      grid.speaker.notify(column.type === "formula" ? `${column.name} is computed by a formula` : `${column.name} is read only`);
      return;
    }
    if (shownAs(column) === "checkbox") {
      grid.setOne(slot, column, grid.store.value(slot, column.id) === true ? null : true);
      return;
    }
    if (grid.store.isCut(slot, column.id)) {
      await grid.whole(slot);
      // Saving the beginning of a text over the whole would lose the rest.
      if (grid.store.isCut(slot, column.id)) {
        grid.speaker.notify("The whole text could not be loaded. Try again.", "bad");
        return;
      }
    }
    const { line, column: index } = grid.selection.anchor;
    const box = grid.view.geometry.box(line, index);
    const host = box.pinned ? grid.view.pane : grid.view.body;
    grid.view.reveal(line, index);
    this.#mount(slot, column, seed, (editor) => {
      const { element } = editor;
      element.style.left = `${box.x}px`;
      element.style.top = `${box.y}px`;
      element.style.minWidth = `${Math.max(box.w, editor.isRoomy ? 240 : 0)}px`;
      element.style.minHeight = `${box.h}px`;
      host.append(element);
      // Near the lower or right edge it opens the other way.
      const room = grid.view.scroller.getBoundingClientRect();
      const own = element.getBoundingClientRect();
      if (own.bottom > room.bottom - 4) element.style.top = `${Math.max(grid.view.scroller.scrollTop, box.y + box.h - own.height)}px`;
      if (own.right > room.right - 4) element.style.left = `${Math.max(0, box.x + box.w - own.width)}px`;
    }, (go) => {
      grid.focus();
      const steps: Record<Go, readonly [number, number]> = { stay: [0, 0], down: [1, 0], up: [-1, 0], next: [0, 1], previous: [0, -1] };
      const [down, right] = steps[go];
      grid.move(line + down, index + right);
    });
  }

  /** Edits a field elsewhere, as in the record panel. */
  async editIn(place: HTMLElement, slot: number, column: Column, done: (go: Go) => void): Promise<void> {
    if (this.grid.isPast()) return;
    await ready(column.type)?.catch(() => undefined);
    this.#mount(slot, column, undefined, (editor) => place.replaceChildren(editor.element), done);
  }

  #mount(slot: number, column: Column, seed: string | undefined, show: (editor: Editor) => void, done: (go: Go) => void): void {
    this.flush();
    const { grid } = this;
    const row = grid.store.id(slot);
    const before = grid.store.value(slot, column.id);
    let isDone = false;
    let made: Choice[] = [];
    const close = (): void => {
      isDone = true;
      this.#open = null;
      editor.element.remove();
    };
    const editor = openEditor({
      column,
      value: before,
      seed,
      names: grid.store,
      label: column.name,
      addChoice: (name) => {
        const choice = this.#addChoice(column, name);
        made.push(choice);
        return choice;
      },
      commit: (value: Value, go: Go) => {
        if (isDone) return;
        close();
        // The row may have got its own slot meanwhile.
        const at = row === null ? undefined : grid.store.slot(row);
        made = made.filter((it) => list(value).includes(it.id));
        const options = grid.store.column(column.id)?.options;
        // A new option and the cell that has it are one action, and one undo.
        const extra: Operation[] = made.length > 0 && options ? [{ op: "update_column", column: column.id, options }] : [];
        if (at !== undefined && !same(before, value)) grid.edit([{ slot: at, column: column.id, value }], `Set ${column.name}`, extra);
        done(go);
      },
      cancel: () => {
        if (isDone) return;
        close();
        if (made.length > 0) this.#setOptions(column, column.options);
        done("stay");
      },
    });
    this.#open = { editor, close };
    show(editor);
    editor.focus.focus({ preventScroll: true });
    const { focus } = editor;
    if (focus instanceof HTMLInputElement && seed === undefined) focus.select();
    else if (focus instanceof HTMLTextAreaElement || focus instanceof HTMLInputElement) focus.setSelectionRange(focus.value.length, focus.value.length);
    editor.element.addEventListener("focusout", (event) => {
      if (isDone || editor.element.contains(event.relatedTarget as Node | null)) return;
      // Redrawing inside an editor moves the focus for a moment.
      setTimeout(() => {
        if (!isDone && !editor.element.contains(document.activeElement) && document.hasFocus()) editor.flush();
      });
    });
  }

  #addChoice(column: Column, name: string): Choice {
    const { grid } = this;
    const choices = grid.store.column(column.id)?.options.choices ?? [];
    const slug = name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 30) || "option";
    let id = slug;
    for (let n = 2; choices.some((it) => it.id === id); n++) id = `${slug}_${n}`;
    const made: Choice = { id, name, color: COLORS[choices.length % COLORS.length] ?? "gray" };
    this.#setOptions(column, { ...column.options, choices: [...choices, made] });
    return made;
  }

  /** Here only: the server learns of it with the cell. */
  #setOptions(column: Column, options: Options): void {
    const { store } = this.grid;
    store.setColumns(store.columns.map((it) => (it.id === column.id ? { ...it, options } : it)));
    this.grid.layout();
  }
}
