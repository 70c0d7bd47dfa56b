import { button, h, iconButton } from "../dom";
import type { Grid } from "../grid";
import type { Column, Filter, Problem } from "../wire";
import { removeButton, valueField } from "./condition";
import { add, at, begin, draftOf, duplicate, finished, isGroup, operatorOf, operatorsOf, reask, remove, type Draft, type DraftCondition, type DraftGroup, type Path } from "./filters";
import { select } from "./popup";

/** Groups within groups, the outermost counted. */
const DEEPEST = 3;

export interface Builder {
  readonly element: HTMLElement;
  /** Shows a filter that was changed elsewhere. */
  show(filter: Filter | undefined): void;
  complain(problem: Problem | null): void;
  /** Asks about a column: a condition to be finished. */
  begin(column: Column): void;
  isEmpty(): boolean;
}

/** Conditions joined by and/or. Tells each change that can be asked. */
export function builder(grid: Grid, filter: Filter | undefined, change: (filter: Filter) => void): Builder {
  let draft = draftOf(filter);
  let sent = JSON.stringify(filter ?? { all: [] });
  let places = new Map<string, Path>();
  let problem: { path: string; text: string } | null = null;
  const element = h("div", { class: "g-builder" });
  const column = (id: string): Column | undefined => grid.store.column(id);

  const tell = (): void => {
    const made = finished(draft, column);
    places = made.places;
    const text = JSON.stringify(made.filter);
    if (text === sent) return;
    sent = text;
    problem = null;
    change(made.filter);
  };
  const redraw = (focus?: string): void => {
    const active = focus ?? (document.activeElement instanceof HTMLElement && element.contains(document.activeElement) ? document.activeElement.dataset["at"] : undefined);
    element.replaceChildren(group(draft, []));
    if (active) element.querySelector<HTMLElement>(`[data-at="${CSS.escape(active)}"]`)?.focus();
  };
  const act = (work: () => void, focus?: string): void => {
    work();
    tell();
    redraw(focus);
  };
  const key = (path: Path, part: string): string => `${path.join(".")}/${part}`;

  function group(it: DraftGroup, path: Path): HTMLElement {
    const box = h("div", { class: `g-group depth-${path.length}`, role: "group", "aria-label": path.length === 0 ? "Conditions" : "Group of conditions" });
    it.parts.forEach((part, i) => box.append(row(it, part, [...path, i], i)));
    if (it.parts.length === 0 && path.length === 0) box.append(h("p", { class: "g-none muted" }, "All rows are shown."));
    const buttons = h("div", { class: "g-group-add" });
    const more = button("+ Condition", () => {
      const first = grid.store.title ?? grid.store.columns[0];
      if (first) act(() => add(draft, path, begin(first)), key([...path, it.parts.length], "column"));
    }, "button button-small button-quiet");
    more.dataset["at"] = key(path, "add");
    buttons.append(more);
    if (path.length < DEEPEST - 1) {
      buttons.append(button("+ Group", () => {
        const first = grid.store.title ?? grid.store.columns[0];
        if (first) act(() => add(draft, path, { join: it.join === "all" ? "any" : "all", parts: [begin(first)] }), key([...path, it.parts.length, 0], "column"));
      }, "button button-small button-quiet"));
    }
    box.append(buttons);
    const bad = problem?.path === path.join(".") ? h("p", { class: "error-text", role: "alert" }, problem.text) : null;
    if (bad) box.append(bad);
    return box;
  }

  function row(parent: DraftGroup, part: Draft, path: Path, i: number): HTMLElement {
    const join = i === 0 ? h("span", { class: "g-join" }, "Where")
      : i === 1 ? select("All or any of these conditions", [["all", "and"], ["any", "or"]], parent.join, (to) => act(() => { parent.join = to === "any" ? "any" : "all"; }), "select g-sel g-join")
      : h("span", { class: "g-join" }, parent.join === "all" ? "and" : "or");
    if (i === 1) join.dataset["at"] = key(path, "join");
    const isBad = problem?.path === path.join(".");
    const line = h("div", { class: `g-cond${isGroup(part) ? " has-group" : ""}${isBad ? " is-bad" : ""}` }, join);
    line.append(...(isGroup(part) ? [group(part, path)] : fields(part, path)));
    const what = isGroup(part) ? "group" : `condition on ${column(part.column)?.name ?? "a field"}`;
    line.append(h("span", { class: "g-cond-tools" },
      iconButton("copy", `Duplicate ${what}`, () => act(() => duplicate(draft, path))),
      removeButton(what, () => act(() => remove(draft, path), key(path.slice(0, -1), "add")))));
    if (isBad && !isGroup(part)) line.append(h("p", { class: "error-text", role: "alert" }, problem?.text ?? ""));
    return line;
  }

  function fields(part: DraftCondition, path: Path): HTMLElement[] {
    const it = column(part.column);
    const put = (to: DraftCondition): void => {
      const inner = at(draft, path.slice(0, -1));
      if (isGroup(inner)) inner.parts[path.at(-1) ?? 0] = to;
    };
    const which = select("Field", columnOptions(grid, it ? undefined : part.column), part.column, (id) => {
      const next = column(id);
      if (next) act(() => put(operatorsOf(next).some((op) => op.op === part.op) && sameKind(it, next) ? reask({ ...part, column: id }, next, part.op) : begin(next)), key(path, "column"));
    });
    which.dataset["at"] = key(path, "column");
    if (!it) return [which, h("span", { class: "muted" }, "is gone")];
    const op = select(`Question about ${it.name}`, operatorsOf(it).map((o) => [o.op, o.label]), operatorOf(it, part.op).op, (to) => act(() => put(reask(part, it, to)), key(path, "op")));
    op.dataset["at"] = key(path, "op");
    const isShape = ["date", "span"].includes(operatorOf(it, part.op).needs);
    const value = valueField(part, it, grid.store, (to) => {
      const next: DraftCondition = { column: part.column, op: part.op };
      if (to !== undefined) next.value = to;
      part = next;
      put(next);
      tell();
      // A date's field changes its form with what is chosen.
      if (isShape) redraw(key(path, "value"));
    });
    if (isShape) value.querySelector<HTMLElement>("select")?.setAttribute("data-at", key(path, "value"));
    return [which, op, value];
  }

  places = finished(draft, column).places;
  redraw();
  return {
    element,
    show: (to) => {
      const text = JSON.stringify(to ?? { all: [] });
      if (text === sent) return;
      sent = text;
      draft = draftOf(to);
      places = finished(draft, column).places;
      redraw();
    },
    complain: (to) => {
      const path = to ? (places.get((to.field ?? "filter").replace(/^.*?filter/, "filter")) ?? []).join(".") : "";
      const next = to ? { path, text: to.detail } : null;
      if (JSON.stringify(next) === JSON.stringify(problem)) return;
      problem = next;
      redraw();
    },
    begin: (it) => act(() => add(draft, [], begin(it)), key([draft.parts.length], "op")),
    isEmpty: () => draft.parts.length === 0,
  };
}

/** All fields to choose from: the grid's, then what is worked out. */
export function columnOptions(grid: Grid, also?: string, accept: (column: Column) => boolean = () => true): [string, string][] {
  const all: [string, string][] = grid.store.columns.filter((it) => !it.derived && accept(it)).map((it) => [it.id, it.name]);
  const derived: [string, string][] = grid.store.columns.filter((it) => it.derived && accept(it)).map((it) => [it.id, `${it.name} ·`]);
  return [...(also ? [[also, "(deleted field)"] as [string, string]] : []), ...all, ...derived];
}

function sameKind(a: Column | undefined, b: Column): boolean {
  return !!a && a.type === b.type && a.options === b.options;
}
