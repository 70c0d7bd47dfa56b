import { button, h, icon, iconButton } from "../dom";
import type { Grid } from "../grid";
import { addressOf, openView, viewIcon } from "../views";
import type { View, ViewConfig } from "../wire";
import { ask, grip, isNarrow, menu, offer, popup, reorderable, type Popup } from "./popup";
import { isMine, sendView } from "./unsaved";

let side: HTMLElement | null = null;
let sheet: Popup | null = null;

/** The list of views: beside the grid on wide screens, a sheet on narrow ones. */
export function toggleViews(grid: Grid, anchor?: HTMLElement): void {
  const content = (): HTMLElement => viewList(grid);
  if (isNarrow()) {
    sheet = popup(grid, "views", "Views", { anchor }, () => { sheet = null; });
    sheet?.body.append(content());
    return;
  }
  if (side) {
    const isShown = side.hidden !== false;
    side.hidden = !isShown;
    remember(isShown);
    anchor?.setAttribute("aria-expanded", String(isShown));
    if (!isShown) anchor?.focus();
    else side.querySelector<HTMLElement>("input")?.focus();
    return;
  }
  side = h("aside", { class: "g-side-views", "aria-label": "Views" }, content());
  grid.root.querySelector(".g-main")?.prepend(side);
  grid.root.querySelector("[data-menu=views]")?.setAttribute("aria-expanded", "true");
  if (anchor) {
    remember(true);
    side.querySelector<HTMLElement>("input")?.focus();
  }
}

function remember(isShown: boolean): void {
  try {
    localStorage.setItem("grid-sidebar", isShown ? "open" : "closed");
  } catch {
    // Forgotten at the next visit, that is all.
  }
}

type Kind = "shared" | "personal" | "locked";
const KINDS: readonly (readonly [Kind, string])[] = [["shared", "Shared"], ["personal", "Personal"], ["locked", "Locked"]];

function viewList(grid: Grid): HTMLElement {
  const search = h("input", { class: "input g-in", type: "search", placeholder: "Find a view", "aria-label": "Find a view" });
  const lists = h("div", { class: "g-view-lists" });
  const add = button("+ New view", () => newView(grid, add), "button button-small button-quiet g-new-view");
  add.setAttribute("aria-haspopup", "menu");
  let drawn = "";
  const draw = (): void => {
    const wanted = search.value.trim().toLowerCase();
    const now = grid.config.view?.id;
    const key = JSON.stringify([wanted, now, grid.store.views.map((it) => [it.id, it.name, it.mode, it.config.layout])]);
    if (key === drawn) return;
    drawn = key;
    const views = grid.store.views.filter((it) => it.name.toLowerCase().includes(wanted));
    lists.replaceChildren(...KINDS.flatMap(([kind, title]) => {
      const these = views.filter((it) => it.mode === kind);
      if (these.length === 0) return [];
      const list = h("ul", { class: "g-views", "aria-label": `${title} views` }, ...these.map((it) => line(grid, it, it.id === now)));
      reorderable(list, (from, to) => void moveView(grid, these, from, to));
      return [h("h3", {}, title), list];
    }));
    if (views.length === 0) lists.append(h("p", { class: "g-none muted" }, "No view is called that."));
  };
  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    lists.querySelector<HTMLElement>("a")?.click();
  });
  grid.follow.add(draw);
  draw();
  return h("div", { class: "g-view-panel" }, h("div", { class: "g-list-head" }, search), lists, add);
}

function line(grid: Grid, view: View, isNow: boolean): HTMLElement {
  const link = h("a", { class: "g-view-link", href: addressOf(view), ...(isNow && { "aria-current": "page" }) }, icon(viewIcon(view)), h("span", { class: "clip" }, view.name), ...(view.mode === "locked" ? [icon("lock")] : []));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    sheet?.close(false);
    openView(grid, view.id);
  });
  const more = iconButton("more", `More about ${view.name}`, () => viewMenu(grid, view, { anchor: more }));
  more.setAttribute("aria-haspopup", "menu");
  const row = h("li", { class: "g-view-row" }, grip(view.name), link, more);
  row.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    viewMenu(grid, view, { x: event.clientX, y: event.clientY });
  });
  return row;
}

function newView(grid: Grid, anchor: HTMLElement): void {
  const make = (layout: "grid" | "board" | "calendar", name: string) => (): void => void create(grid, layout, name);
  menu(grid, "new-view", "New view", { anchor }, [
    { label: "Grid", icon: "grid", run: make("grid", "New grid") },
    { label: "Board", icon: "board", run: make("board", "New board") },
    { label: "Calendar", icon: "calendar", run: make("calendar", "New calendar") },
  ]);
}

async function create(grid: Grid, layout: "grid" | "board" | "calendar", usual: string): Promise<void> {
  const mode = h("label", { class: "choice" }, h("input", { type: "checkbox", checked: true }), "Everybody sees it");
  const asking = ask(grid, `New ${layout}`, { field: "Name", value: usual, action: "Create" });
  document.querySelector("dialog[open] form .input")?.after(mode);
  const name = await asking;
  if (!name) return;
  const config: ViewConfig = {
    ...(layout !== "grid" && { layout }),
    ...(layout === "board" && boardColumn(grid)), ...(layout === "calendar" && dateColumn(grid)),
  };
  await made(grid, await sendView(grid, "POST", "", { name, mode: mode.querySelector("input")?.checked ? "shared" : "personal", config }));
}

function boardColumn(grid: Grid): { board_column: string } | undefined {
  const column = grid.store.columns.find((it) => it.options.pipeline) ?? grid.store.columns.find((it) => it.type === "select" && !it.derived) ?? grid.store.column("@stage");
  return column && { board_column: column.id };
}

function dateColumn(grid: Grid): { date_column: string } | undefined {
  const column = grid.store.columns.find((it) => it.type === "date" && !it.derived) ?? grid.store.columns.find((it) => it.type === "date_time");
  return column && { date_column: column.id };
}

async function made(grid: Grid, view: View | null): Promise<void> {
  if (!view) return;
  grid.store.views = [...grid.store.views.filter((it) => it.id !== view.id), view];
  grid.told();
  openView(grid, view.id);
}

function viewMenu(grid: Grid, view: View, at: { anchor?: HTMLElement; x?: number; y?: number }): void {
  const patch = (body: unknown, message: string) => (): void => void change(grid, view, body, message);
  const owns = isMine(grid, view) || view.owner === null;
  menu(grid, `view:${view.id}`, `View ${view.name}`, at, [
    { label: "Rename…", icon: "edit", disabled: view.mode === "locked" && "Unlock it first", run: () => void rename(grid, view) },
    { label: "Duplicate", icon: "copy", run: () => void sendView(grid, "POST", "", { name: `${view.name} copy`, mode: view.mode === "personal" ? "personal" : "shared", config: view.config }).then((it) => made(grid, it)) },
    null,
    ...(view.mode === "personal" ? [{ label: "Share with everyone", icon: "team", run: patch({ mode: "shared" }, `Everybody sees ${view.name} now`) }] : []),
    ...(view.mode === "shared" ? [{ label: "Make it personal", icon: "user", disabled: !owns && "Only who made it can", run: patch({ mode: "personal" }, `Only you see ${view.name} now`) }] : []),
    view.mode === "locked" ? { label: "Unlock", icon: "lock", run: patch({ mode: "shared" }, `${view.name} can be changed again`) } : { label: "Lock", icon: "lock", run: patch({ mode: "locked" }, `${view.name} is locked: its configuration stays as it is, data can be edited`) },
    null,
    { label: "Delete", icon: "trash", tone: "bad", disabled: (view.mode === "locked" && "Unlock it first") || (grid.store.views.length < 2 && "The last view stays"), run: () => void remove(grid, view) },
  ]);
}

async function change(grid: Grid, view: View, body: unknown, message: string): Promise<void> {
  const changed = await sendView(grid, "PATCH", `/${encodeURIComponent(view.id)}`, body);
  if (!changed) return;
  grid.store.views = grid.store.views.map((it) => (it.id === changed.id ? changed : it));
  grid.config.refresh(grid.store.views);
  grid.told();
  grid.speaker.notify(message);
}

async function rename(grid: Grid, view: View): Promise<void> {
  const name = await ask(grid, "Rename the view", { field: "Name", value: view.name, action: "Rename" });
  if (name && name !== view.name) await change(grid, view, { name }, `Renamed to ${name}`);
}

async function remove(grid: Grid, view: View): Promise<void> {
  if (!(await sendView(grid, "DELETE", `/${encodeURIComponent(view.id)}`))) return;
  grid.store.views = grid.store.views.filter((it) => it.id !== view.id);
  if (grid.config.view?.id === view.id) openView(grid, null);
  grid.told();
  offer(grid, `Deleted the view ${view.name}`, "Undo", () => void sendView(grid, "POST", `/${encodeURIComponent(view.id)}/restore`).then((it) => made(grid, it)));
}

/** Every view whose place is another now is told so; there are few. */
async function moveView(grid: Grid, these: readonly View[], from: number, to: number): Promise<void> {
  // The list may have been drawn from an older answer: what counts is who stands there.
  const view = grid.store.views.find((it) => it.id === these[from]?.id);
  const there = these[to]?.id;
  if (!view || there === undefined) return;
  const all = grid.store.views.filter((it) => it !== view);
  all.splice(all.findIndex((it) => it.id === there) + (to > from ? 1 : 0), 0, view);
  const moved = all.flatMap((it, position) => (it.position === position ? [] : [{ id: it.id, position }]));
  grid.store.views = all.map((it, position) => ({ ...it, position }));
  grid.told();
  grid.speaker.say(`${view.name} is now number ${to + 1} of ${these.length}`);
  for (const { id, position } of moved) if (!(await sendView(grid, "PATCH", `/${encodeURIComponent(id)}`, { position }))) return;
}
