import { pillClass } from "../cells";
import { h } from "../dom";
import { list } from "../values";
import { nextId, onKeys, type Editing, type Editor, type Go } from "./editor";

interface Option { readonly id: string; readonly name: string; readonly color: string; readonly isNew?: boolean }

function optionsOf(editing: Editing): Option[] {
  const { column, names } = editing;
  if (column.type === "user") return names.users.map((it) => ({ ...it, color: "person" }));
  if (column.type === "funds") return names.funds.map((it) => ({ ...it, color: "fund" }));
  return [...(column.options.choices ?? [])];
}

/** Options that begin with what was typed come before those that hold it. */
export function matching<T extends { readonly name: string }>(options: readonly T[], typed: string): T[] {
  const t = typed.trim().toLowerCase();
  if (!t) return [...options];
  const rank = (it: T): number => it.name.toLowerCase().indexOf(t);
  return options.filter((it) => rank(it) >= 0).sort((a, b) => Math.min(1, rank(a)) - Math.min(1, rank(b)));
}

/** Picks one or several of a column's options; a new name can be made an option. */
export function choiceEditor(editing: Editing): Editor {
  const { column } = editing;
  const isMany = column.type === "multi_select" || column.type === "funds";
  const canAdd = !!editing.addChoice && (column.type === "select" || column.type === "multi_select") && !column.derived;
  const chosen = new Set(list(editing.value));
  let options = optionsOf(editing);
  let shown: Option[] = [];
  let active = 0;

  const listId = nextId();
  const input = h("input", {
    class: "ge-line", role: "combobox", "aria-label": editing.label, "aria-expanded": "true", "aria-controls": listId,
    "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false",
    placeholder: canAdd ? "Find or create an option" : "Find",
  });
  input.value = editing.seed ?? "";
  const picked = h("div", { class: "ge-picked", hidden: true });
  const box = h("ul", { class: "ge-list", id: listId, role: "listbox", "aria-label": column.name, "aria-multiselectable": String(isMany) });

  const draw = (): void => {
    shown = matching(options, input.value);
    const typed = input.value.trim();
    const isKnown = options.some((it) => it.name.toLowerCase() === typed.toLowerCase());
    if (canAdd && typed && !isKnown) shown.push({ id: "", name: typed, color: "gray", isNew: true });
    active = Math.max(0, Math.min(active, shown.length - 1));
    box.replaceChildren(...shown.map((option, i) => {
      const item = h("li", { class: "ge-option", role: "option", id: `${listId}-${i}`, "aria-selected": String(chosen.has(option.id)) });
      if (i === active) item.classList.add("is-active");
      if (option.isNew) item.append("Create ");
      item.append(h("span", { class: pillClass(option.color) }, option.name));
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        pick(option);
      });
      return item;
    }));
    if (shown.length === 0) box.append(h("li", { class: "ge-none", role: "option", "aria-disabled": "true" }, "Nothing matches"));
    box.children[active]?.scrollIntoView({ block: "nearest" });
    if (shown.length > 0) input.setAttribute("aria-activedescendant", `${listId}-${active}`);
    else input.removeAttribute("aria-activedescendant");
    if (!isMany) return;
    picked.replaceChildren(...[...chosen].map((id) => {
      const option = options.find((it) => it.id === id);
      return h("span", { class: pillClass(option?.color ?? "gray") }, option?.name ?? id);
    }));
    picked.hidden = chosen.size === 0;
  };

  const pick = (option: Option, go: Go = "stay"): void => {
    let id = option.id;
    if (option.isNew && editing.addChoice) {
      const made = editing.addChoice(option.name);
      options = [...options, made];
      id = made.id;
    }
    if (!isMany) {
      editing.commit(id, go);
      return;
    }
    if (!chosen.delete(id)) chosen.add(id);
    input.value = "";
    draw();
  };

  const save = (go: Go): void => {
    const option = shown[active];
    const typed = input.value.trim() !== "";
    // In a list of several, Enter ticks what was searched for; without a search it closes.
    if (isMany && typed && option) {
      pick(option);
      if (go === "down" || go === "up") return;
    }
    if (isMany) editing.commit([...chosen], go);
    else if (option && (typed || moved || go === "down")) pick(option, go);
    else editing.commit(editing.value, go);
  };

  let moved = false;
  input.addEventListener("input", () => { active = 0; draw(); });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      active = (active + step + shown.length) % Math.max(1, shown.length);
      moved = true;
      draw();
    } else if (event.key === "Backspace" && input.value === "") {
      if (isMany) {
        const last = [...chosen].at(-1);
        if (last !== undefined) chosen.delete(last);
        draw();
      } else editing.commit(null, "stay");
    } else if (event.key === " " && isMany && input.value === "") {
      const option = shown[active];
      if (option) pick(option);
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  onKeys(input, save, () => editing.cancel());
  active = Math.max(0, options.findIndex((it) => chosen.has(it.id)));
  draw();
  return {
    element: h("div", { class: "ge ge-choice" }, input, picked, box),
    focus: input,
    isRoomy: true,
    flush: () => (isMany ? editing.commit([...chosen], "stay") : editing.cancel()),
  };
}
