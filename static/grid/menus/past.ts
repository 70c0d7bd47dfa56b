// The grid as it was, and what was deleted.
import type { Opening } from "../doors";
import { button, h, icon, iconButton } from "../dom";
import type { Grid } from "../grid";
import { problemOf } from "../send";
import type { Problem } from "../wire";
import { whoOf } from "./cell";
import { popup } from "./popup";
import { write } from "./write";

export function open(grid: Grid, opening: Opening): void {
  if (opening.name === "trash") void trash(grid);
  else history(grid, opening.anchor);
}

const HOUR = 3_600_000;
const pad = (n: number): string => String(n).padStart(2, "0");

function history(grid: Grid, anchor?: HTMLElement): void {
  const pop = popup(grid, "past", "The grid as it was", { anchor: anchor?.offsetParent ? anchor : (grid.root.querySelector<HTMLElement>(".g-right") ?? undefined) });
  if (!pop) return;
  const now = new Date();
  const newest = Math.max(grid.newest, grid.store.version);
  const date = h("input", { class: "input", type: "date", "aria-label": "Date", required: true, autofocus: true });
  const time = h("input", { class: "input", type: "time", "aria-label": "Time (empty: the end of the day)" });
  const version = h("input", { class: "input", type: "number", min: 1, max: newest, "aria-label": "Version", placeholder: String(newest) });
  const local = (at: Date): string => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  date.max = local(now);
  date.value = local(new Date(now.getTime() - 24 * HOUR));
  const wrong = h("p", { class: "error-text", role: "alert", hidden: true });
  const go = async (to: string): Promise<void> => {
    wrong.hidden = true;
    pop.element.setAttribute("aria-busy", "true");
    try {
      await grid.travel(to);
      pop.close(false);
      banner(grid);
    } catch (error) {
      wrong.textContent = error instanceof Error && !/^state/.test(error.message) ? error.message : "That moment could not be loaded. Try again.";
      wrong.hidden = false;
    } finally {
      pop.element.removeAttribute("aria-busy");
    }
  };
  const quick = (label: string, ms: number): HTMLElement => button(label, () => void go(new Date(Date.now() - ms).toISOString().replace(/\.\d+Z$/, "Z")), "button button-small");
  const form = h("form", { class: "form" },
    h("div", { class: "g-pair" }, labelled("Date", date), labelled("Time", time)),
    h("div", { class: "actions" }, h("button", { class: "button button-primary" }, "Show")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!time.value) return void go(date.value);
    const at = new Date(`${date.value}T${time.value}`);
    void go(at.toISOString().replace(/\.\d+Z$/, "Z"));
  });
  const byVersion = h("form", { class: "g-version" }, labelled(`Version, up to ${newest}`, version), h("button", { class: "button" }, "Show"));
  byVersion.addEventListener("submit", (event) => {
    event.preventDefault();
    if (version.value) void go(version.value);
  });
  pop.body.append(
    h("p", { class: "muted small" }, "Every cell, row and field as it was then, to look at and to copy from."),
    h("div", { class: "g-quick" }, quick("Hour ago", HOUR), quick("Day ago", 24 * HOUR), quick("Week ago", 7 * 24 * HOUR), quick("Month ago", 30 * 24 * HOUR)),
    form, h("hr"), byVersion, wrong);
  pop.place();
  date.focus();
}

function labelled(label: string, control: HTMLElement): HTMLElement {
  return h("label", { class: "field" }, h("span", { class: "field-label" }, label), control);
}

let strip: HTMLElement | null = null;

/** Says all the time that this is not now. */
function banner(grid: Grid): void {
  const words = (): string => {
    const { past } = grid;
    if (past === null) return "";
    if (/^\d+$/.test(past)) return `As of version ${past}`;
    const at = past.length === 10 ? new Date(`${past}T12:00`) : new Date(past);
    return `As of ${at.toLocaleString("en-GB", past.length === 10 ? { dateStyle: "long" } : { dateStyle: "long", timeStyle: "short" })}`;
  };
  if (!strip) {
    strip = h("div", { class: "g-strip is-past", role: "region", "aria-label": "The grid as it was" });
    grid.root.querySelector(".g-bar")?.after(strip);
    grid.follow.add(() => {
      if (strip && grid.past === null) strip.hidden = true;
    });
  }
  const back = button("Back to now", () => void grid.travel(null).then(() => grid.focus()), "button button-small button-primary");
  strip.replaceChildren(icon("clock"), h("p", { class: "clip" }, h("strong", {}, words()), " · read only"), back);
  strip.hidden = false;
  grid.speaker.say(`${words()}. Read only.`);
  back.focus();
}

interface Trash {
  readonly rows: readonly { readonly id: string; readonly title: string; readonly deleted_at: number; readonly deleted_by: string }[];
  readonly columns: readonly { readonly id: string; readonly name: string; readonly deleted_at: number }[];
}

async function trash(grid: Grid): Promise<void> {
  const body = h("div", { class: "g-about-body" });
  const dialog = h("dialog", { class: "g-dialog g-about", "aria-label": "Trash" },
    h("header", { class: "g-dialog-head" }, h("div", {}, h("h2", {}, "Trash"), h("p", { class: "muted small" }, "Deleted rows and fields keep their history until they are purged.")), iconButton("x", "Close", () => dialog.close())), body);
  if (grid.store.isAdmin) dialog.append(h("footer", { class: "g-dialog-foot" }, h("a", { class: "button button-quiet", href: "/grid/trash" }, "Purge for good…")));
  dialog.addEventListener("close", () => { dialog.remove(); grid.focus(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  const draw = async (): Promise<void> => {
    const answer = await fetch("/api/fundraising/trash", { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) {
      body.replaceChildren(h("p", { class: "error-text" }, answer ? (await problemOf(answer)).detail : "The server cannot be reached."));
      return;
    }
    const { rows, columns } = (await answer.json()) as Trash;
    const line = (name: string, detail: string, restore: () => Promise<Problem | null>): HTMLElement => {
      const wrong = h("p", { class: "error-text", role: "alert", hidden: true });
      const it = button("Restore", () => {
        it.disabled = true;
        void restore().then((problem) => {
          it.disabled = false;
          if (!problem) return draw();
          wrong.textContent = problem.detail;
          wrong.hidden = false;
          return undefined;
        });
      });
      it.setAttribute("aria-label", `Restore ${name}`);
      return h("li", { class: "g-trash-row" }, h("div", { class: "clip" }, h("strong", { class: "clip" }, name), h("p", { class: "muted small" }, detail), wrong), it);
    };
    const when = (at: number): string => new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    const parts: HTMLElement[] = [];
    if (columns.length > 0) parts.push(h("h3", {}, "Fields"), h("ul", {}, ...columns.map((it) => line(it.name, `Deleted ${when(it.deleted_at)}`, () => write(grid, [{ op: "restore_column", column: it.id }], `Restored the field ${it.name}`)))));
    if (rows.length > 0) parts.push(h("h3", {}, `Rows${rows.length > 200 ? ", the last 200" : ""}`), h("ul", {}, ...rows.slice(0, 200).map((it) => line(it.title || "Unnamed", `Deleted ${when(it.deleted_at)} by ${whoOf(grid, it.deleted_by)}`, () => write(grid, [{ op: "restore", row: it.id }], `Restored ${it.title}`)))));
    if (parts.length === 0) parts.push(h("div", { class: "empty" }, icon("trash"), h("strong", {}, "The trash is empty"), h("p", {}, "Deleted rows and fields come here, and can be brought back.")));
    body.replaceChildren(...parts);
  };
  await draw();
}
