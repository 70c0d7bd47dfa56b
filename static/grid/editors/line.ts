import { h } from "../dom";
import { read } from "../values";
import type { Value } from "../wire";
import { nextId, onKeys, type Editing, type Editor, type Go } from "./editor";

function written(editing: Editing): string {
  if (editing.seed !== undefined) return editing.seed;
  return editing.value === null || typeof editing.value === "object" ? "" : String(editing.value);
}

const MODES: Readonly<Record<string, string>> = { number: "decimal", currency: "decimal", percent: "decimal", email: "email", phone: "tel", url: "url" };

/** One line of text, read as the column's type. `preview` says what it was read as. */
export function lineEditor(editing: Editing, preview?: (value: Value) => string, keys?: (event: KeyboardEvent, input: HTMLInputElement) => boolean): Editor {
  const { column } = editing;
  const noteId = nextId();
  const numeric = column.type === "number" || column.type === "currency" || column.type === "percent";
  const input = h("input", {
    class: numeric ? "ge-line num" : "ge-line", "aria-label": editing.label, "aria-describedby": noteId, inputmode: MODES[column.type],
    autocomplete: "off", spellcheck: column.type === "text" ? "true" : "false",
  });
  input.value = written(editing);
  const note = h("p", { class: "ge-note", id: noteId, "aria-live": "polite" });
  note.hidden = true;

  const say = (text: string, isBad: boolean): void => {
    note.textContent = text;
    note.hidden = text === "";
    note.classList.toggle("is-bad", isBad);
    input.toggleAttribute("aria-invalid", isBad);
  };
  const now = (): ReturnType<typeof read> => read(column, input.value, editing.names, Date.now(), true);
  const save = (go: Go): void => {
    const got = now();
    if ("why" in got) say(`${got.why}. Esc leaves it as it was.`, true);
    else editing.commit(got.value, go);
  };
  const look = (): void => {
    const got = now();
    say(preview && !("why" in got) && got.value !== null ? preview(got.value) : "", false);
  };
  input.addEventListener("input", look);
  if (keys) input.addEventListener("keydown", (event) => {
    if (!keys(event, input)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    look();
  });
  onKeys(input, save, () => editing.cancel());
  if (preview) look();
  return {
    element: h("div", { class: "ge ge-box" }, input, note),
    focus: input,
    flush: () => {
      const got = now();
      if ("why" in got) editing.cancel();
      else editing.commit(got.value, "stay");
    },
  };
}

/** Long text: Enter saves, Shift+Enter makes a new line. */
export function textEditor(editing: Editing): Editor {
  const area = h("textarea", { class: "ge-area", "aria-label": editing.label, rows: 6 });
  area.value = written(editing);
  const save = (go: Go): void => editing.commit(area.value === "" ? null : area.value, go);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.shiftKey || event.altKey)) event.stopImmediatePropagation();
  });
  onKeys(area, save, () => editing.cancel());
  const hint = h("p", { class: "ge-note" }, "Enter saves · Shift+Enter starts a new line");
  return { element: h("div", { class: "ge ge-box ge-long" }, area, hint), focus: area, isRoomy: true, flush: () => save("stay") };
}
