import { pillClass } from "../cells";
import { readAmount } from "../amounts";
import { h, iconButton, later } from "../dom";
import { choiceEditor } from "../editors/choice";
import type { Names } from "../values";
import type { Choice, Column, Value } from "../wire";
import { DATES, operatorOf, SPANS, withCount, type DraftCondition } from "./filters";
import { select } from "./popup";

/** The field that compares: its kind follows the column and the question. */
export function valueField(condition: DraftCondition, column: Column, names: Names, change: (value: unknown) => void): HTMLElement {
  const { needs } = operatorOf(column, condition.op);
  const label = `Value for ${column.name}`;
  switch (needs) {
    case "nothing": return h("span", { class: "g-cond-none" });
    case "one": case "several": return picker(column, names, needs === "several", condition.value, label, change);
    case "date": return dateField(condition.value, label, change);
    case "span": return spanField(condition.value, label, change);
    default: return line(condition.value, label, needs === "number", change);
  }
}

function line(value: unknown, label: string, isNumber: boolean, change: (value: unknown) => void): HTMLElement {
  const input = h("input", { class: "input g-in", "aria-label": label, placeholder: isNumber ? "0" : "Enter a value", inputmode: isNumber ? "decimal" : undefined, autocomplete: "off" });
  input.value = value === undefined || value === null ? "" : String(value);
  const tell = later(() => {
    const typed = input.value.trim();
    const amount = isNumber ? readAmount(typed, true) : typed;
    input.toggleAttribute("aria-invalid", isNumber && typed !== "" && amount === null);
    change(amount === null || amount === "" ? undefined : amount);
  }, 250);
  input.addEventListener("input", tell);
  return input;
}

/** Everything a column can be compared with, as options with colours. */
export function choicesOf(column: Column, names: Names): Choice[] {
  if (column.type === "user") return [{ id: "me", name: "Me", color: "person" }, ...names.users.map((it) => ({ id: it.id, name: it.name, color: "person" }))];
  if (column.type === "funds") return names.funds.map((it) => ({ id: it.id, name: it.name, color: "fund" }));
  return [...(column.options.choices ?? [])];
}

/** Pills that open a list to choose from. */
export function picker(column: Column, names: Names, isMany: boolean, value: unknown, label: string, change: (value: unknown) => void): HTMLElement {
  const choices = choicesOf(column, names);
  const place = h("div", { class: "g-pick" });
  let now: Value = Array.isArray(value) ? (value as string[]) : typeof value === "string" ? value : null;
  const ids = (): readonly string[] => (Array.isArray(now) ? (now as readonly string[]) : typeof now === "string" ? [now] : []);
  const rest = (focus: boolean): void => {
    const pills = ids().map((id) => choices.find((it) => it.id === id) ?? { id, name: id, color: "gray" });
    const open = h("button", { type: "button", class: "g-pick-open", "aria-haspopup": "listbox", "aria-label": `${label}: ${pills.map((it) => it.name).join(", ") || "choose"}` },
      ...(pills.length > 0 ? pills.map((it) => h("span", { class: pillClass(it.color) }, it.name)) : [h("span", { class: "muted" }, "Choose…")]));
    open.addEventListener("click", edit);
    place.replaceChildren(open);
    if (focus) open.focus({ preventScroll: true });
  };
  const edit = (): void => {
    let isDone = false;
    const synthetic: Column = { ...column, type: isMany ? "multi_select" : "select", derived: true, options: { choices } };
    const finish = (focus: boolean): void => {
      if (isDone) return;
      isDone = true;
      rest(focus);
    };
    const editor = choiceEditor({
      column: synthetic, value: now, seed: undefined, names, label,
      commit: (picked) => {
        if (isDone) return;
        now = picked;
        finish(place.contains(document.activeElement) || document.activeElement === document.body);
        change(Array.isArray(now) && now.length === 0 ? undefined : (now ?? undefined));
      },
      cancel: () => finish(true),
    });
    place.replaceChildren(editor.element);
    editor.focus.focus();
    editor.element.addEventListener("keydown", (event) => event.stopPropagation());
    editor.element.addEventListener("focusout", () => setTimeout(() => {
      if (!isDone && !editor.element.contains(document.activeElement)) editor.flush();
    }));
  };
  rest(false);
  return place;
}

interface When { date?: string; relative?: string; n?: number }

function dateField(value: unknown, label: string, change: (value: unknown) => void): HTMLElement {
  const it = (value ?? {}) as When;
  const box = h("div", { class: "g-when" });
  const kind = it.date !== undefined ? "exact" : (it.relative ?? "");
  const put = (to: string): void => {
    if (to === "exact") change({ date: today() });
    else change(withCount(to) ? { relative: to, n: 7 } : { relative: to });
  };
  box.append(select(label, [["", "Choose…"], ...DATES], kind, put));
  if (kind === "exact") {
    const input = h("input", { class: "input g-in", type: "date", "aria-label": `${label}: date` });
    input.value = it.date ?? "";
    input.addEventListener("change", () => { if (input.value) change({ date: input.value }); });
    box.append(input);
  } else if (withCount(kind)) box.append(count(it, label, change));
  return box;
}

function spanField(value: unknown, label: string, change: (value: unknown) => void): HTMLElement {
  const it = (value ?? {}) as When;
  const kind = it.relative ?? "";
  const box = h("div", { class: "g-when" }, select(label, [["", "Choose…"], ...SPANS], kind, (to) => change(withCount(to) ? { relative: to, n: 30 } : { relative: to })));
  if (withCount(kind)) box.append(count(it, label, change));
  return box;
}

function count(it: When, label: string, change: (value: unknown) => void): HTMLElement {
  const input = h("input", { class: "input g-in g-count", type: "number", min: 0, max: 3650, "aria-label": `${label}: days` });
  input.value = String(it.n ?? "");
  input.addEventListener("input", later(() => {
    const n = input.valueAsNumber;
    if (Number.isInteger(n) && n >= 0) change({ ...it, n });
  }, 250));
  return input;
}

function today(): string {
  const d = new Date();
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
}

export function removeButton(what: string, click: () => void): HTMLButtonElement {
  return iconButton("x", `Remove ${what}`, click);
}
