import { showAmount } from "../amounts";
import { h, later } from "../dom";
import type { Grid } from "../grid";
import { text } from "../values";
import type { Value } from "../wire";
import { callAt, complete, parameters, pieces, type Completion, type Fn } from "./complete";

interface Mistake { readonly code: string; readonly message: string; readonly start: number; readonly end: number; readonly suggestion?: string }
type Previewed = { readonly type: string; readonly value: Value; readonly text: string } | { readonly error: Mistake };

export interface FormulaEditor {
  readonly element: HTMLElement;
  value(): string;
  problem(): Mistake | null;
  setBlanks(on: boolean): void;
  stop(): void;
}

let functions: Promise<readonly Fn[]> | null = null;

/** All functions; asked for once a visit. */
function known(): Promise<readonly Fn[]> {
  functions ??= fetch("/api/fundraising/formula/functions", { credentials: "same-origin" }).then(async (answer) => (answer.ok ? ((await answer.json()) as Fn[]) : Promise.reject(new Error(String(answer.status)))));
  functions.catch(() => { functions = null; });
  return functions;
}

let count = 0;

/** A formula with names to complete, its mistakes marked, and what it gives for a few rows. */
export function formulaEditor(grid: Grid, source: string, self?: string): FormulaEditor {
  const id = `formula-${++count}`;
  const back = h("pre", { class: "g-code-back", "aria-hidden": "true" });
  const area = h("textarea", {
    class: "g-code", rows: 4, spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": "Formula", role: "combobox", "aria-autocomplete": "list",
    "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-describedby": `${id}-note`, placeholder: "{Fund III target} * 0.5", maxlength: 10_000,
  });
  area.value = source;
  const list = h("ul", { class: "g-complete", role: "listbox", id: `${id}-list`, "aria-label": "Names", hidden: true });
  const signature = h("p", { class: "g-signature", hidden: true });
  const note = h("div", { class: "g-mistake", id: `${id}-note`, "aria-live": "polite" });
  const samples = h("table", { class: "g-samples" });
  const element = h("div", { class: "field g-formula" }, h("span", { class: "field-label", "aria-hidden": "true" }, "Formula"),
    h("div", { class: "g-code-box" }, back, area), list, signature, note, samples);

  let all: readonly Fn[] = [];
  let shown: Completion | null = null;
  let active = 0;
  let mistake: Mistake | null = null;
  let blanks = false;
  let asked = 0;
  let isStopped = false;
  void known().then((it) => { all = it; look(); }).catch(() => undefined);
  const fields = (): string[] => grid.store.columns.filter((it) => it.id !== self).map((it) => it.name);

  const paint = (): void => {
    back.replaceChildren(...pieces(area.value, mistake).map((it) => h("span", { class: `tok-${it.kind}${it.isWrong ? " is-wrong" : ""}` }, it.text)), "\n");
    back.scrollTop = area.scrollTop;
    area.toggleAttribute("aria-invalid", mistake !== null);
  };
  const close = (): void => {
    shown = null;
    list.hidden = true;
    area.setAttribute("aria-expanded", "false");
    area.removeAttribute("aria-activedescendant");
  };
  const drawList = (): void => {
    if (!shown) return close();
    const { all: items } = shown;
    active = Math.max(0, Math.min(items.length - 1, active));
    list.hidden = false;
    area.setAttribute("aria-expanded", "true");
    area.setAttribute("aria-activedescendant", `${id}-${active}`);
    list.replaceChildren(...items.map((it, i) => {
      const item = h("li", { role: "option", id: `${id}-${i}`, class: i === active ? "is-active" : "", "aria-selected": String(i === active) }, h("code", { class: `tok-${it.kind}` }, it.name), h("small", { class: "clip" }, it.hint));
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        active = i;
        take();
      });
      return item;
    }));
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const take = (): void => {
    const it = shown?.all[active];
    if (!shown || !it) return;
    const { from, to } = shown;
    close();
    // A bracket that is there already is not written twice.
    const insert = it.kind === "function" && area.value[to] === "(" ? it.name : it.insert;
    area.setRangeText(insert, from, to, "end");
    changed();
    close();
  };
  const look = (): void => {
    if (document.activeElement !== area) return;
    const caret = area.selectionStart;
    const before = shown?.from;
    shown = area.selectionStart === area.selectionEnd ? complete(area.value, caret, fields(), all) : null;
    if (shown?.from !== before) active = 0;
    drawList();
    const call = callAt(area.value, caret);
    const fn = call && all.find((it) => it.name === call.name);
    signature.hidden = !fn;
    if (!fn || !call) return;
    const { name, parts } = parameters(fn.signature);
    const at = Math.min(call.argument, parts.length - 1);
    signature.replaceChildren(h("code", {}, `${name}(`, ...parts.flatMap((part, i) => [...(i > 0 ? [", "] : []), i === at ? h("strong", {}, part) : part]), ")"), " ", h("span", {}, fn.help.replace(/`/g, "")));
  };
  const previewSoon = later(() => void preview(), 250);
  const changed = (): void => {
    mistake = null;
    paint();
    look();
    previewSoon();
  };

  async function preview(): Promise<void> {
    const turn = ++asked;
    const expression = area.value;
    if (expression.trim() === "") {
      mistake = null;
      note.replaceChildren();
      samples.replaceChildren();
      paint();
      return;
    }
    const rows = sampleRows(grid);
    const answers = await Promise.all(rows.map(({ row }) => tryOn(expression, row, blanks))).catch(() => null);
    if (turn !== asked || isStopped) return;
    if (!answers) {
      note.replaceChildren(h("p", { class: "muted small" }, "The server cannot be reached: no preview now."));
      return;
    }
    const wrong = answers.find((it): it is { error: Mistake } => !!it && "error" in it);
    mistake = wrong?.error ?? null;
    paint();
    drawMistake();
    samples.replaceChildren();
    if (mistake) return;
    samples.append(h("caption", {}, "What it gives"), h("tbody", {}, ...answers.map((it, i) => {
      const isValue = !!it && "text" in it;
      const isBad = isValue && it.type === "error";
      return h("tr", {}, h("th", { scope: "row", class: "clip" }, rows[i]?.title ?? ""), h("td", { class: isBad ? "is-bad" : "" }, isValue && it.text !== "" ? (["number", "currency", "percent"].includes(it.type) ? showAmount(it.text) : it.text) : "—"), h("td", { class: "muted" }, isValue ? it.type.replace("_", " ") : ""));
    })));
  }
  function drawMistake(): void {
    note.replaceChildren();
    const it = mistake;
    if (!it) return;
    const line = h("p", { class: "error-text" }, h("span", {}, ...(it.message.charAt(0).toUpperCase() + it.message.slice(1)).split("`").map((part, i) => (i % 2 === 1 ? h("code", {}, part) : part))));
    note.append(line);
    const suggestion = it.suggestion;
    if (suggestion === undefined) return;
    const fix = h("button", { type: "button", class: "button button-small" }, "Replace with ", h("code", {}, suggestion));
    fix.addEventListener("click", () => {
      const chars = Array.from(area.value);
      const from = chars.slice(0, it.start).join("").length;
      const to = chars.slice(0, it.end).join("").length;
      area.setRangeText(suggestion, from, to, "end");
      area.focus();
      changed();
      close();
    });
    note.append(fix);
  }

  area.addEventListener("input", changed);
  area.addEventListener("click", look);
  area.addEventListener("keyup", (event) => { if (event.key.startsWith("Arrow") && !shown) look(); });
  area.addEventListener("blur", () => close());
  area.addEventListener("scroll", () => { back.scrollTop = area.scrollTop; });
  area.addEventListener("keydown", (event) => {
    if (!shown || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      active = (active + step + shown.all.length) % shown.all.length;
      drawList();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) take();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  paint();
  void preview();
  return {
    element,
    value: () => area.value.trim(),
    problem: () => mistake,
    setBlanks: (on) => {
      if (on === blanks) return;
      blanks = on;
      previewSoon();
    },
    stop: () => { isStopped = true; },
  };
}

/** The row one is in and three more. */
function sampleRows(grid: Grid): { row: string; title: string }[] {
  const { table, store } = grid;
  const title = store.title;
  const from = Math.max(0, grid.line);
  const slots = [...table.slots(from, from + 12), ...table.slots(0, 12)];
  return [...new Set(slots)].slice(0, 4).flatMap((slot) => {
    const row = store.id(slot);
    return row ? [{ row, title: (title && text(title, store.value(slot, title.id), store)) || "Unnamed" }] : [];
  });
}

async function tryOn(expression: string, row: string, airtable_blanks: boolean): Promise<Previewed | null> {
  const answer = await fetch("/api/fundraising/formula/preview", {
    method: "POST", credentials: "same-origin", headers: { "content-type": "application/json" }, body: JSON.stringify({ expression, row, airtable_blanks }),
  });
  if (!answer.ok) throw new Error(`preview: ${answer.status}`);
  return (await answer.json()) as Previewed;
}
