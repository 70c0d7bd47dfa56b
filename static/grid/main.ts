// The grid island: takes over the plain table once the first rows are here.
import { Config, firstView } from "./config";
import * as copy from "./copy";
import { open, warm, type Opening } from "./doors";
import { button, h, setSprite } from "./dom";
import { Grid } from "./grid";
import * as keys from "./keys";
import { Live } from "./live";
import { load } from "./load";
import { Ops } from "./ops";
import * as pointer from "./pointer";
import { send } from "./send";
import { memoryShelf, openShelf } from "./shelf";
import { makeSpeaker } from "./speaker";
import { Status } from "./status";
import { Store } from "./store";
import { toolbar } from "./toolbar";
import { keepScroll, openView, scrollBack } from "./views";
import { Undo } from "./undo";
import type { View } from "./wire";

function disk(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

async function start(mount: HTMLElement): Promise<void> {
  setSprite(mount.dataset["sprite"] ?? "");
  const store = new Store();
  const ops = new Ops(store, send);
  const root = h("div", { class: "g-voice" });
  const speaker = makeSpeaker(root);
  const undo = new Undo(store, ops, (message) => speaker.notify(message));
  const grid = new Grid(store, new Config(disk()), ops, undo, speaker);
  const live = new Live(store, ops, {
    changed: (slots) => {
      if (slots === null) grid.config.refresh(store.views);
      store.tell(slots);
    },
    people: (all) => {
      grid.people(all);
      for (const follower of grid.follow) follower();
    },
    views: () => void freshViews(grid),
    reload: () => void reload(grid, live),
  });
  grid.travel = (to) => travel(grid, live, to);

  let painted = false;
  const paint = (): void => {
    painted = true;
    assemble(mount, grid, root);
    grid.layout();
  };
  try {
    await load({
      head: (it) => {
        store.head(it);
        grid.config.search = new URLSearchParams(location.search).get("q") ?? "";
        // The order is asked for while the blocks are still on their way.
        grid.config.load(firstView(it.views, location.search, mount.dataset["view"] ?? ""));
      },
      block: (it) => {
        store.block(it);
        if (!painted) paint();
        else grid.view.soon();
      },
    });
  } catch (error) {
    // Before the first rows the plain table simply stays; later the rest is missing.
    if (painted) speaker.notify("The grid could not be loaded completely. Reload the page.", "bad");
    console.debug(error);
    return;
  }
  if (!painted) paint();
  grid.table.build();
  grid.view.refresh();
  await ops.resume(await openShelf(store.me).catch(memoryShelf));
  grid.live = live;
  live.start();
  warm(mount.dataset["menus"] ?? "");
  if (sidebarWanted()) grid.menu("views");
}

/** Wide screens show the views beside the grid unless they were folded away. */
function sidebarWanted(): boolean {
  return matchMedia("(min-width: 75rem)").matches && disk()?.getItem("grid-sidebar") !== "closed";
}

async function freshViews(grid: Grid): Promise<void> {
  const answer = await fetch("/api/fundraising/views", { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  grid.store.views = (await answer.json()) as View[];
  grid.config.refresh(grid.store.views);
  grid.told();
}

/** Shows the grid as it was, read-only; null is now. */
async function travel(grid: Grid, live: Live, to: string | null): Promise<void> {
  if (to === null) {
    grid.past = null;
    grid.root.classList.remove("is-past");
    return reload(grid, live);
  }
  await grid.ops.settled();
  live.pause();
  const { views, version } = grid.store;
  try {
    let isRead = false;
    await load({
      // Views and versions are looked at from now.
      head: (it) => { isRead = true; grid.store.head({ ...it, views }); grid.newest = Math.max(grid.newest, version); },
      block: (it) => grid.store.block(it),
    }, fetch, to).catch((error: unknown) => {
      if (!isRead && grid.past === null) live.resume();
      throw error;
    });
    grid.past = to;
    grid.root.classList.add("is-past");
    grid.table.picked.clear();
    grid.layout();
    await grid.ask("take");
  } finally {
    grid.told();
  }
}

/** Reads everything anew; edits that wait stay, and lie on top again. */
async function reload(grid: Grid, live: Live): Promise<void> {
  await grid.ops.settled();
  try {
    await load({ head: (it) => grid.store.head(it), block: (it) => grid.store.block(it) });
    grid.ops.reshow();
    grid.table.picked.clear();
    grid.config.refresh(grid.store.views);
    grid.layout();
    await grid.ask("take");
  } finally {
    live.resume();
    grid.told();
  }
}

function assemble(mount: HTMLElement, grid: Grid, voice: HTMLElement): void {
  const status = new Status(() => {
    const { conflicts, isOffline, isSignedOut } = grid.ops.progress;
    if (isSignedOut) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    else if (isOffline) grid.ops.retry();
    else if (conflicts.length > 0) grid.menu("conflicts");
  });
  grid.ops.changed = (progress) => status.show(progress);
  grid.ops.applied = (_, applied) => {
    if (applied.conflicts.length > 0 && !grid.editors.isOpen) grid.menu("conflicts");
  };
  grid.ops.complained = (message) => grid.speaker.notify(message, "bad");
  addEventListener("online", () => grid.ops.retry());

  grid.root.addEventListener("grid:menu", (event) => void open(grid, (event as CustomEvent<Opening>).detail, mount.dataset["menus"] ?? ""));
  grid.expand = (slot) => grid.menu("record", { slot });
  // Bars that a grid just opened does without come when there is something to say.
  const bars = (): void => {
    if (grid.table.picked.size > 0) grid.menu("ticked");
    if (grid.config.isDirty) grid.menu("save");
  };
  grid.follow.add(bars);
  const add = h("div", { class: "g-add", role: "row" }, h("div", { role: "gridcell", "aria-colindex": 2 }, button("+ New row", () => grid.addRow(), "")));
  grid.view.body.append(add);
  grid.view.addLine = add;
  const table = h("div", { class: "g-table" }, grid.view.scroller, grid.input);
  grid.root.append(toolbar(grid, status.element),
    h("div", { class: "g-main" }, table), voice);
  cards(grid, table);
  keys.listen(grid, { find: () => grid.menu("find"), help: () => grid.menu("help") });
  scrollBack(grid);
  addEventListener("pagehide", () => keepScroll(grid));
  addEventListener("popstate", () => openView(grid, new URLSearchParams(location.search).get("view"), false));
  pointer.listen(grid);
  copy.listen(grid);
  mount.append(grid.root);
  mount.hidden = false;
  mount.classList.add("is-on");
  const plain = document.getElementById("grid-plain");
  if (plain) plain.hidden = true;
  if (!matchMedia("(max-width: 40rem)").matches && (document.activeElement === document.body || !document.activeElement)) grid.focus();
}

/** Narrow screens show cards; others never load them. */
function cards(grid: Grid, table: HTMLElement): void {
  const narrow = matchMedia("(max-width: 40rem)");
  let isThere = false;
  const bring = (): void => {
    if (!narrow.matches || isThere) return;
    isThere = true;
    void import("./cards").then(({ Cards }) => {
      const all = new Cards(grid);
      table.append(all.element);
      all.draw(true);
    });
  };
  narrow.addEventListener("change", bring);
  bring();
}

const mount = document.getElementById("grid-app");
// The page's own forms, once one was asked for, are left alone.
if (mount && !new URLSearchParams(location.search).has("edit")) void start(mount);
