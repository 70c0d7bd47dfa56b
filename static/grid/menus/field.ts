import { h, iconButton } from "../dom";
import type { Grid } from "../grid";
import { problemOf, post } from "../send";
import type { Column, ColumnType, Operation, Options, Problem } from "../wire";
import { choicesEditor, type ChoicesEditor } from "./choices";
import { place } from "./column";
import { defaultField } from "./default";
import { formulaEditor, type FormulaEditor } from "./formula";
import { quiet, select } from "./popup";
import { TYPE_NAMES } from "./types";
import { write } from "./write";


interface Preview {
  readonly total: number; readonly converts: number; readonly fails: number; readonly options?: Options;
  readonly examples: readonly { readonly row: string; readonly title: string; readonly value: string; readonly why: string }[];
}

const DATE_FORMATS = [["iso", "2026-03-31"], ["european", "31/3/2026"], ["us", "3/31/2026"], ["long", "31 March 2026"]] as const;
const CURRENCIES = ["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "CAD", "AUD", "SGD", "JPY"];

const field = (label: string, control: HTMLElement, hint?: string): HTMLElement =>
  h("div", { class: "field" }, h("span", { class: "field-label", "aria-hidden": "true" }, label), control, ...(hint ? [h("p", { class: "hint" }, hint)] : []));
function tick(label: string, checked: boolean, change: (on: boolean) => void, hint?: string): HTMLElement {
  const box = h("input", { type: "checkbox" });
  box.checked = checked;
  box.addEventListener("change", () => change(box.checked));
  return h("label", { class: "choice" }, box, h("span", {}, label, ...(hint ? [h("small", { class: "hint" }, ` ${hint}`)] : [])));
}

/** Makes a field, or changes what one is; a change of type shows first what it would lose. */
export function openField(grid: Grid, column?: Column, where: { before: string | null } = { before: null }): void {
  const isNew = !column;
  let type: ColumnType = column?.type ?? "text";
  let options: Options = { ...column?.options };
  let choices: ChoicesEditor | null = null;
  let formula: FormulaEditor | null = null;
  let preview: Preview | null = null;

  const name = h("input", { class: "input", "aria-label": "Name", maxlength: 100, required: true, autocomplete: "off", autofocus: true });
  name.value = column?.name ?? "";
  const description = h("textarea", { class: "textarea g-short", rows: 2, "aria-label": "Description", maxlength: 2000, placeholder: "What it means, for everyone" });
  description.value = options.description ?? "";
  const own = h("div", { class: "g-field-own" });
  const retype = h("div", { class: "g-retype", "aria-live": "polite" });
  const rules = h("div", { class: "g-field-rules" });
  const wrong = h("p", { class: "error-text", role: "alert", hidden: true });
  const save = h("button", { class: "button button-primary" }, isNew ? "Create field" : "Save");
  const set = (part: Options): void => { options = { ...options, ...part }; };
  const unset = (key: keyof Options): void => {
    const { [key]: _, ...rest } = options;
    options = rest;
  };

  const kinds = (Object.entries(TYPE_NAMES) as [ColumnType, string][]).map(([id, text]): [string, string] => [id, text]);
  const typeField = select("Type", kinds, type, (to) => {
    type = to as ColumnType;
    if (column && type !== column.type) options = { ...options, choices: [] };
    else if (column) options = { ...column.options };
    draw();
    void tryType();
  }, "select");

  function draw(): void {
    choices = null;
    formula?.stop();
    formula = null;
    const parts: HTMLElement[] = [];
    if (type === "select" || type === "multi_select") {
      choices = choicesEditor(options.choices ?? []);
      parts.push(field("Options", choices.element));
      if (type === "select") parts.push(tick("This is the pipeline", !!options.pipeline, (on) => set({ pipeline: on }), "The board and “Pipeline stage” go by it."));
    }
    if (type === "formula") {
      formula = formulaEditor(grid, options.formula ?? "", column?.id);
      parts.push(formula.element,
        tick("Airtable blanks", !!options.airtable_blanks, (on) => { set({ airtable_blanks: on }); formula?.setBlanks(on); }, "A blank counts as 0 and as an empty text."),
        field("Show numbers as", select("Show numbers as", [["", "As the formula gives them"], ["number", "Number"], ["currency", "Currency"], ["percent", "Percent"]], options.number_format ?? "", (to) => {
          if (to === "number" || to === "currency" || to === "percent") set({ number_format: to });
          else unset("number_format");
          draw();
        }, "select")));
      formula.setBlanks(!!options.airtable_blanks);
    }
    const isMoney = type === "currency" || (type === "formula" && options.number_format === "currency");
    const isNumber = isMoney || type === "number" || type === "percent" || (type === "formula" && options.number_format);
    const row = h("div", { class: "g-pair" });
    if (isMoney) {
      const code = h("input", { class: "input", "aria-label": "Currency", list: "g-currencies", maxlength: 3, pattern: "[A-Za-z]{3}", placeholder: "EUR" });
      code.value = options.currency ?? (isNew && type === "currency" ? (grid.store.funds[0]?.currency ?? "EUR") : "");
      const put = (): void => { if (code.value.trim()) set({ currency: code.value.trim().toUpperCase() }); else unset("currency"); };
      code.addEventListener("input", put);
      put();
      row.append(field("Currency", h("div", {}, code, h("datalist", { id: "g-currencies" }, ...CURRENCIES.map((it) => h("option", { value: it }))))));
    }
    if (isNumber) row.append(field("Decimals shown", select("Decimals shown", [["", "As written"], ...Array.from({ length: 9 }, (_, n): [string, string] => [String(n), String(n)])], options.precision === undefined ? "" : String(options.precision), (to) => {
      if (to === "") unset("precision");
      else set({ precision: Number(to) });
    }, "select")));
    if (type === "date" || type === "date_time") row.append(field("Shown as", select("Shown as", DATE_FORMATS, options.date_format ?? "iso", (to) => set({ date_format: to as NonNullable<Options["date_format"]> }), "select")));
    if (row.childElementCount > 0) parts.push(row);
    own.replaceChildren(...parts);
    drawRules();
  }
  function drawRules(): void {
    const parts: HTMLElement[] = [];
    if (type !== "formula") {
      parts.push(h("div", { class: "g-pair" }, tick("Required", !!options.required, (on) => set({ required: on }), "Cannot be emptied."), ...(["text", "email", "url", "phone", "number"].includes(type) ? [tick("Unique", !!options.unique, (on) => set({ unique: on }), "No two rows alike.")] : [])));
      const standard = defaultField(grid, type, options, (value) => { if (value === null) unset("default"); else set({ default: value }); });
      if (standard) parts.push(field("Default of new rows", standard));
    }
    rules.replaceChildren(...parts);
    rules.hidden = parts.length === 0;
  }

  /** What the saved values would become. */
  async function tryType(): Promise<void> {
    retype.replaceChildren();
    preview = null;
    if (!column || type === column.type || type === "formula") {
      if (column && type === "formula" && column.type !== "formula") retype.replaceChildren(h("p", { class: "note tone-warn" }, "The values now there will be computed instead. The old values stay in history."));
      return;
    }
    const wanted = type;
    retype.replaceChildren(h("p", { class: "muted small" }, "Trying it on every row…"));
    const answer = await post("POST", `/api/fundraising/columns/${encodeURIComponent(column.id)}/retype-preview`, { type }).catch(() => null);
    if (wanted !== type) return;
    if (!answer?.ok) {
      retype.replaceChildren(h("p", { class: "error-text" }, answer ? (await problemOf(answer)).detail : "The server cannot be reached."));
      return;
    }
    preview = (await answer.json()) as Preview;
    if (preview.options) {
      options = { ...preview.options, ...(options.description && { description: options.description }) };
      draw();
    }
    retype.replaceChildren(retypeReport(preview));
  }

  function collect(): Options {
    const text = description.value.trim();
    const { description: _, choices: __, formula: ___, ...rest } = options;
    const flags = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== false && value !== undefined)) as Options;
    return { ...flags, ...(text && { description: text }), ...(choices && { choices: choices.value() }), ...(formula && { formula: formula.value() }) };
  }

  async function submit(): Promise<Problem | null> {
    const title = name.value.trim();
    const final = collect();
    if (!column) {
      const problem = await place(grid, { name: title, type, options: final }, where.before, `Added the field ${title}`);
      return problem;
    }
    const operations: Operation[] = [];
    if (type !== column.type) operations.push({ op: "retype_column", column: column.id, type, options: final });
    if (title !== column.name || (type === column.type && JSON.stringify(final) !== JSON.stringify(column.options))) {
      operations.push({ op: "update_column", column: column.id, ...(title !== column.name && { name: title }), ...(type === column.type && { options: final }) });
    }
    return operations.length === 0 ? null : write(grid, operations, type !== column.type ? `Made ${title} a ${TYPE_NAMES[type].toLowerCase()} field` : `Changed the field ${title}`);
  }

  const form = h("form", { class: "form g-field-form" },
    h("div", { class: "g-pair" }, field("Name", name), field("Type", typeField)), retype, own, field("Description", description), rules, wrong);
  const foot = h("footer", { class: "g-dialog-foot" }, quiet("Cancel", () => dialog.close()), save);
  form.append(foot);
  const dialog = h("dialog", { class: "g-dialog g-field-dialog", "aria-label": isNew ? "New field" : `Edit field ${column.name}` },
    h("header", { class: "g-dialog-head" }, h("h2", { class: "clip" }, isNew ? "New field" : `Edit ${column.name}`), iconButton("x", "Close", () => dialog.close())), form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void (async () => {
      const title = name.value.trim();
      const twin = grid.store.columns.find((it) => it !== column && it.name.toLowerCase() === title.toLowerCase());
      if (twin) return complain(`There is a field called ${twin.name} already.`, name);
      if (type === "formula" && formula?.problem()) return complain("The formula has a mistake. It is underlined; fix it, then save.", null);
      save.disabled = true;
      const problem = await submit();
      save.disabled = false;
      if (!problem) return dialog.close();
      complain(problem.detail, /name$/.test(problem.field ?? "") ? name : null);
    })();
  });
  function complain(text: string, at: HTMLElement | null): void {
    wrong.textContent = text;
    wrong.hidden = false;
    if (at) at.focus();
    else wrong.scrollIntoView({ block: "nearest" });
  }
  dialog.addEventListener("close", () => {
    formula?.stop();
    dialog.remove();
    grid.focus();
  });
  draw();
  document.body.append(dialog);
  dialog.showModal();
  if (!isNew) name.select();
}

/** What a change of type does to the values there are. */
function retypeReport(it: Preview): HTMLElement {
  const box = h("div", { class: `g-report${it.fails > 0 ? " is-warn" : " is-ok"}` });
  const n = (count: number): string => count.toLocaleString("en");
  if (it.total === 0) box.append(h("p", {}, "No row has a value here: nothing can be lost."));
  else if (it.fails === 0) box.append(h("p", {}, `All ${n(it.total)} values convert.`));
  else {
    box.append(
      h("p", {}, h("strong", {}, `${n(it.converts)} of ${n(it.total)} values convert`), `, ${n(it.fails)} would become blank. The old values stay in history, and undo brings them back.`),
      h("table", { class: "g-examples" }, h("caption", { class: "visually-hidden" }, "Values that do not convert"), h("thead", {}, h("tr", {}, ...["Row", "Value", "Why not"].map((head) => h("th", { scope: "col" }, head)))),
        h("tbody", {}, ...it.examples.slice(0, 6).map((example) => h("tr", {}, h("td", { class: "clip" }, example.title), h("td", {}, h("code", {}, example.value)), h("td", {}, example.why))))));
    if (it.fails > 6) box.append(h("p", { class: "hint" }, `and ${n(it.fails - Math.min(6, it.examples.length))} more`));
  }
  return box;
}
