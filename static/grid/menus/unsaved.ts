import { button, h, icon } from "../dom";
import type { Grid } from "../grid";
import { problemOf, post } from "../send";
import type { View, ViewConfig } from "../wire";
import { openView } from "../views";
import { ask } from "./popup";

const WORDS: Readonly<Partial<Record<keyof ViewConfig, string>>> = {
  filter: "filter", sorts: "sort", groups: "groups", columns: "fields", frozen: "frozen columns", row_height: "row height", colors: "colours", summaries: "summaries",
  layout: "layout", board_column: "board", date_column: "calendar",
};

/** Whether a view is one of this person's own. */
export const isMine = (grid: Grid, view: View): boolean => view.mode === "personal" || view.owner === grid.store.me;

let bar: HTMLElement | null = null;

/** What this person changed and nobody else sees: keep it for all, for oneself, or not. */
export function drawBar(grid: Grid): void {
  if (bar) return;
  const what = h("p", { class: "clip" });
  const everyone = button("Save for everyone", () => void saveForAll(grid), "button button-small button-primary");
  const mine = button("Save as mine…", () => void saveAsMine(grid), "button button-small");
  const discard = button("Discard", () => {
    grid.config.discard();
    grid.focus();
  }, "button button-small button-quiet");
  bar = h("div", { class: "g-strip", role: "region", "aria-label": "Unsaved changes of this view", hidden: true }, icon("info"), what, everyone, mine, discard);
  const strip = bar;
  grid.root.querySelector(".g-bar")?.after(strip);
  const draw = (): void => {
    const view = grid.config.view;
    strip.hidden = !grid.config.isDirty || grid.past !== null;
    if (strip.hidden) return;
    const parts = (Object.keys(grid.config.unsaved) as (keyof ViewConfig)[]).map((key) => WORDS[key] ?? key);
    const isLocked = view?.mode === "locked";
    const text = `${isLocked ? "This view is locked. " : ""}Unsaved for you: ${parts.join(", ")}`;
    if (what.textContent !== text) what.textContent = text;
    everyone.hidden = isLocked || !view;
    everyone.textContent = view?.mode === "personal" ? "Save" : "Save for everyone";
  };
  grid.follow.add(draw);
  draw();
}

/** The whole configuration, with what is changed here. */
function merged(grid: Grid): ViewConfig {
  return { ...grid.config.view?.config, ...grid.config.unsaved };
}

async function saveForAll(grid: Grid): Promise<void> {
  const view = grid.config.view;
  if (!view) return;
  const saved = await sendView(grid, "PATCH", `/${encodeURIComponent(view.id)}`, { config: merged(grid) });
  if (!saved) return;
  grid.store.views = grid.store.views.map((it) => (it.id === saved.id ? saved : it));
  grid.config.saved(saved);
  grid.speaker.notify(view.mode === "personal" ? `Saved ${view.name}` : `Saved ${view.name} for everyone`);
  grid.focus();
}

async function saveAsMine(grid: Grid): Promise<void> {
  const name = await ask(grid, "Save as a view of your own", { field: "Name", value: `My ${grid.config.view?.name ?? "view"}`, action: "Save", text: "Only you see it. The view you started from stays as it was." });
  if (!name) return;
  const saved = await sendView(grid, "POST", "", { name, mode: "personal", config: merged(grid) });
  if (!saved) return;
  grid.config.discard();
  grid.store.views = [...grid.store.views, saved];
  openView(grid, saved.id);
  grid.speaker.notify(`Saved ${saved.name}; only you see it`);
}

/** One request about views; complaints are shown. */
export async function sendView(grid: Grid, method: string, path: string, body?: unknown): Promise<View | null> {
  const answer = await post(method, `/api/fundraising/views${path}`, body).catch(() => null);
  if (answer?.ok) return (await answer.json()) as View;
  grid.speaker.notify(answer ? (await problemOf(answer)).detail : "The server cannot be reached. Nothing was saved.", "bad");
  return null;
}
