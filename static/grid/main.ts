// The grid island: takes over the plain table once the first rows are here.
import { Cards } from "./cards";
import { Config, firstView } from "./config";
import { showConflicts } from "./conflicts";
import * as copy from "./copy";
import { button, h, setSprite } from "./dom";
import { Panel } from "./expand";
import { Find } from "./find";
import { Grid } from "./grid";
import { showHelp } from "./help";
import * as keys from "./keys";
import { Live } from "./live";
import { load } from "./load";
import { Ops } from "./ops";
import * as pointer from "./pointer";
import { rowBar } from "./rows";
import { send } from "./send";
import { memoryShelf, openShelf } from "./shelf";
import { makeSpeaker } from "./speaker";
import { Status } from "./status";
import { Store } from "./store";
import { toolbar } from "./toolbar";
import { Undo } from "./undo";

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
    reload: () => void reload(grid, live),
  });

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
    live.open();
  }
}

function assemble(mount: HTMLElement, grid: Grid, voice: HTMLElement): void {
  const status = new Status(() => {
    const { conflicts, isOffline, isSignedOut } = grid.ops.progress;
    if (isSignedOut) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    else if (isOffline) grid.ops.retry();
    else if (conflicts.length > 0) showConflicts(grid);
  });
  grid.ops.changed = (progress) => status.show(progress);
  grid.ops.applied = (_, applied) => {
    if (applied.conflicts.length > 0 && !grid.editors.isOpen) showConflicts(grid);
  };
  grid.ops.complained = (message) => grid.speaker.notify(message, "bad");
  addEventListener("online", () => grid.ops.retry());

  const find = new Find(grid);
  const panel = new Panel(grid);
  const help = (): void => showHelp(() => grid.focus());
  const add = h("div", { class: "g-add", role: "row" }, h("div", { role: "gridcell", "aria-colindex": 2 }, button("+ New row", () => grid.addRow(), "")));
  grid.view.body.append(add);
  grid.view.addLine = add;
  const cards = new Cards(grid);
  grid.root.append(toolbar(grid, status.element, help), rowBar(grid), find.element,
    h("div", { class: "g-main" }, h("div", { class: "g-table" }, grid.view.scroller, grid.input, cards.element), panel.element), voice);
  keys.listen(grid, { find: () => find.open(), help });
  pointer.listen(grid);
  copy.listen(grid);
  mount.append(grid.root);
  mount.hidden = false;
  mount.classList.add("is-on");
  const plain = document.getElementById("grid-plain");
  if (plain) plain.hidden = true;
  if (!matchMedia("(max-width: 40rem)").matches && (document.activeElement === document.body || !document.activeElement)) grid.focus();
}

const mount = document.getElementById("grid-app");
// The page's own forms, once one was asked for, are left alone.
if (mount && !new URLSearchParams(location.search).has("edit")) void start(mount);
