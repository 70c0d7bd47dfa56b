import { h } from "./dom";
import { ready } from "./editors/open";
import type { Grid } from "./grid";

/** What a panel or menu is opened with. */
export interface Opening {
  readonly name: string;
  /** The column a menu is about. */
  readonly column?: string;
  /** Beside what it opens; else at x and y. */
  readonly anchor?: HTMLElement;
  readonly x?: number;
  readonly y?: number;
  /** The row a menu is about. */
  readonly slot?: number;
}

let sheet: Promise<void> | null = null;

/** The style of what is loaded on demand; panels wait for it. */
export function style(href: string): Promise<void> {
  sheet ??= new Promise((done) => {
    const link = h("link", { rel: "stylesheet", href });
    link.addEventListener("load", () => done());
    // Without its style a panel is plain, but it works.
    link.addEventListener("error", () => done());
    document.head.append(link);
  });
  return sheet;
}

type Part = (grid: Grid, opening: Opening) => void | Promise<void>;

/** Where each panel and menu comes from. Nothing of it is loaded before it is needed. */
const PARTS: Readonly<Record<string, () => Promise<{ open: Part }>>> = {
  filter: () => import("./menus/tools"),
  sort: () => import("./menus/tools"),
  group: () => import("./menus/tools"),
  fields: () => import("./menus/tools"),
  colors: () => import("./menus/tools"),
  rows: () => import("./menus/tools"),
  summary: () => import("./menus/tools"),
  views: () => import("./menus/tools"),
  save: () => import("./menus/tools"),
  column: () => import("./menus/column"),
  rename: () => import("./menus/column"),
  field: () => import("./menus/column"),
  cell: () => import("./menus/cell"),
  explain: () => import("./menus/cell"),
  past: () => import("./menus/past"),
  trash: () => import("./menus/past"),
  record: () => import("./menus/record"),
  ticked: () => import("./menus/record"),
  conflicts: () => import("./menus/record"),
  find: () => import("./menus/record"),
  help: () => import("./menus/record"),
};

export async function open(grid: Grid, opening: Opening, href: string): Promise<void> {
  try {
    const [part] = await Promise.all([PARTS[opening.name]?.(), style(href)]);
    await part?.open(grid, opening);
  } catch (error) {
    grid.speaker.notify("This part of the grid could not be loaded. Check the connection and try again.", "bad");
    console.debug(error);
  }
}

/** Fetches what is most often opened next while nothing else is to be done. */
export function warm(href: string): void {
  const idle = globalThis.requestIdleCallback ?? ((work: () => void) => setTimeout(work, 400));
  idle(() => void Promise.all([style(href), ready("date"), import("./menus/tools"), import("./menus/record")]).catch(() => undefined));
}
