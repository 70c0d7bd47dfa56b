import { button, h, icon } from "../dom";
import type { Choice } from "../wire";
import { removeButton } from "./condition";
import { grip, reorderable } from "./popup";
import { COLORS } from "./types";

export interface ChoicesEditor { readonly element: HTMLElement; value(): Choice[] }

/** A choice's id: readable, and never one that is or was taken here. */
export function choiceId(name: string, taken: ReadonlySet<string>): string {
  const slug = name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 30) || "option";
  let id = slug;
  for (let n = 2; taken.has(id); n++) id = `${slug}_${n}`;
  return id;
}

/** The options of a select field: name, colour and order. */
export function choicesEditor(from: readonly Choice[]): ChoicesEditor {
  let all: Choice[] = from.map((it) => ({ ...it }));
  const seen = new Set(all.map((it) => it.id));
  const fresh = new Set<string>();
  const list = h("ol", { class: "g-list g-choices", "aria-label": "Options" });
  const draw = (focus?: number): void => {
    list.replaceChildren(...all.map((choice, i) => {
      const name = h("input", { class: "input g-in", "aria-label": `Name of option ${i + 1}`, maxlength: 100 });
      name.value = choice.name;
      const dot = h("select", { class: `g-dot c-${choice.color}`, "aria-label": `Colour of ${choice.name || `option ${i + 1}`}` }, ...COLORS.map((color) => h("option", { value: color }, color)));
      dot.value = choice.color;
      const put = (part: Partial<Choice>): void => { all[i] = { ...(all[i] ?? choice), ...part }; };
      name.addEventListener("input", () => put({ name: name.value }));
      name.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        add(i + 1);
      });
      dot.addEventListener("change", () => {
        put({ color: dot.value });
        dot.className = `g-dot c-${dot.value}`;
      });
      return h("li", { class: "g-list-row" }, grip(choice.name || `option ${i + 1}`), h("span", { class: "g-dot-box" }, dot, icon("chevron")), name, removeButton(choice.name || `option ${i + 1}`, () => {
        all.splice(i, 1);
        draw();
        more.focus();
      }));
    }));
    if (focus !== undefined) list.children[focus]?.querySelector<HTMLElement>(".g-in")?.focus();
  };
  const add = (at: number): void => {
    const id = `new-${fresh.size}`;
    fresh.add(id);
    all.splice(at, 0, { id, name: "", color: COLORS[all.length % COLORS.length] ?? "gray" });
    draw(at);
  };
  const more = button("+ Option", () => add(all.length), "button button-small button-quiet");
  reorderable(list, (from, to) => {
    const [moved] = all.splice(from, 1);
    if (moved) all.splice(to, 0, moved);
    draw();
  });
  draw();
  return {
    element: h("div", { class: "g-choices-box" }, list, more),
    value: () => {
      const taken = new Set(seen);
      all = all.filter((it) => it.name.trim() !== "");
      return all.map((it) => {
        if (!fresh.has(it.id)) return { ...it, name: it.name.trim() };
        const id = choiceId(it.name, taken);
        taken.add(id);
        return { ...it, id, name: it.name.trim() };
      });
    },
  };
}
