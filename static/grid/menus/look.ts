import { button, h } from "../dom";
import type { Grid } from "../grid";
import type { Filter, RowHeight } from "../wire";
import { builder, type Builder } from "./builder";
import { removeButton } from "./condition";
import { popup, type Place } from "./popup";
import { result } from "./tools";
import { COLORS } from "./types";

/** How high rows are, and how many columns stay while the others scroll. */
export function openRows(grid: Grid, at: Place): void {
  const pop = popup(grid, "rows", "Rows", at, () => grid.follow.delete(draw));
  if (!pop) return;
  const heights = h("div", { class: "g-segments", role: "radiogroup", "aria-label": "Row height" });
  const frozen = h("output", { class: "g-number", "aria-live": "polite" });
  const less = button("−", () => freeze(-1), "button button-small");
  const more = button("+", () => freeze(1), "button button-small");
  less.setAttribute("aria-label", "Freeze one column less");
  more.setAttribute("aria-label", "Freeze one column more");
  const freeze = (by: number): void => grid.config.set({ frozen: Math.max(0, Math.min(20, (grid.config.now.frozen ?? 1) + by)) });
  const names: readonly (readonly [RowHeight, string])[] = [["short", "Short"], ["medium", "Medium"], ["tall", "Tall"]];
  for (const [height, name] of names) {
    const input = h("input", { type: "radio", name: "row-height", value: height });
    input.addEventListener("change", () => grid.config.set({ row_height: height }));
    heights.append(h("label", {}, input, h("span", {}, name)));
  }
  function draw(): void {
    const { now } = grid.config;
    for (const input of heights.querySelectorAll("input")) input.checked = input.value === (now.row_height ?? "short");
    frozen.textContent = String(now.frozen ?? 1);
  }
  pop.body.append(
    h("div", { class: "g-setting" }, h("span", {}, "Row height"), heights),
    h("div", { class: "g-setting" }, h("span", {}, "Frozen columns"), h("span", { class: "g-stepper" }, less, frozen, more)),
    h("p", { class: "hint" }, "The line behind the frozen columns can be dragged in the head of the table."));
  grid.follow.add(draw);
  draw();
  pop.place();
  heights.querySelector<HTMLElement>("input:checked")?.focus();
}

interface Rule { filter: Filter; color: string }

/** Rows in colour: the first rule whose conditions hold gives it. */
export function openColors(grid: Grid, at: Place): void {
  const pop = popup(grid, "colors", "Colour rows", at, () => grid.follow.delete(follow));
  if (!pop) return;
  const list = h("div", { class: "g-rules" });
  const note = h("p", { class: "g-none muted" }, "Rows have no colour. Add one, and say for which rows.");
  const foot = result(grid, ["colors"]);
  let rules: Rule[] = [];
  let builders: Builder[] = [];
  let sent = "";
  const put = (): void => {
    sent = JSON.stringify(rules);
    grid.config.set({ colors: rules.map((it) => ({ ...it })) });
  };
  const draw = (): void => {
    builders = [];
    list.replaceChildren(...rules.map((rule, i) => {
      const made = builder(grid, rule.filter, (filter) => { rule.filter = filter; put(); });
      builders.push(made);
      return h("fieldset", { class: "g-rule" }, h("legend", { class: "visually-hidden" }, `Colour ${i + 1}`),
        h("div", { class: "g-rule-head" }, swatches(`Colour ${i + 1}`, rule.color, (color) => { rule.color = color; put(); }),
          removeButton(`colour ${i + 1}`, () => { rules.splice(i, 1); put(); draw(); })), made.element);
    }));
    note.hidden = rules.length > 0;
    pop.place();
  };
  const add = button("+ Colour", () => {
    rules.push({ filter: { all: [] }, color: COLORS.find((it) => !rules.some((rule) => rule.color === it)) ?? "blue" });
    draw();
    const first = grid.store.columns.find((it) => it.type === "select" && !it.derived) ?? grid.store.title;
    if (first) builders.at(-1)?.begin(first);
  }, "button button-small button-quiet");
  function follow(): void {
    foot.draw();
    const now = JSON.stringify(grid.config.now.colors ?? []);
    if (now === sent) return;
    sent = now;
    rules = JSON.parse(now) as Rule[];
    draw();
  }
  pop.body.append(note, list, h("div", { class: "g-group-add" }, add));
  pop.element.append(foot.element);
  grid.follow.add(follow);
  sent = "none yet";
  follow();
}

/** One of ten colours, as radio buttons that look like them. */
export function swatches(label: string, value: string, change: (color: string) => void): HTMLElement {
  const name = `swatch-${Math.random().toString(36).slice(2)}`;
  return h("div", { class: "g-swatches", role: "radiogroup", "aria-label": label }, ...COLORS.map((color) => {
    const input = h("input", { type: "radio", name, value: color, class: `g-swatch c-${color}`, "aria-label": color, title: color });
    input.checked = color === value;
    input.addEventListener("change", () => change(color));
    return input;
  }));
}
