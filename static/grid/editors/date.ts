import { h } from "../dom";
import { addMonths, iso, localDay, parseIso, readDate, showDateTime } from "../dates";
import type { Editing, Editor } from "./editor";
import { lineEditor } from "./line";

const DAY = 86_400_000;
const HEADS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

function long(ms: number): string {
  return new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(ms);
}

/** A date to type in words or figures; arrows move by day and week, Page keys by month. */
export function dateEditor(editing: Editing): Editor {
  const today = localDay(Date.now());
  const calendar = h("div", { class: "ge-month", "aria-hidden": "true" });
  const line = lineEditor(
    editing,
    (value) => long(parseIso(String(value)) ?? today),
    (event, input) => {
      const step = { ArrowUp: -7 * DAY, ArrowDown: 7 * DAY }[event.key] ?? (event.altKey ? { ArrowLeft: -DAY, ArrowRight: DAY }[event.key] : undefined);
      const month = { PageUp: -1, PageDown: 1 }[event.key];
      if (step === undefined && month === undefined) return false;
      const from = at(input.value) ?? today;
      input.value = iso(step === undefined ? addMonths(from, month ?? 0) : from + step);
      draw();
      return true;
    },
  );
  const input = line.focus as HTMLInputElement;
  input.placeholder = "today, next fri, +2w, 31 mar";
  const at = (text: string): number | null => parseIso(readDate(text, today, editing.column.options.date_format) ?? "");

  const draw = (): void => {
    const chosen = at(input.value);
    const shown = new Date(chosen ?? today);
    const start = Date.UTC(shown.getUTCFullYear(), shown.getUTCMonth(), 1);
    const first = start - ((new Date(start).getUTCDay() + 6) % 7) * DAY;
    const title = h("div", { class: "ge-month-name" }, new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" }).format(start));
    const days = Array.from({ length: 42 }, (_, i) => {
      const ms = first + i * DAY;
      const names = ["ge-day"];
      if (new Date(ms).getUTCMonth() !== shown.getUTCMonth()) names.push("other");
      if (ms === today) names.push("today");
      if (ms === chosen) names.push("chosen");
      return h("span", { class: names.join(" "), "data-day": iso(ms) }, String(new Date(ms).getUTCDate()));
    });
    calendar.replaceChildren(title, ...HEADS.map((name) => h("span", { class: "ge-day head" }, name)), ...days);
  };
  calendar.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const day = (event.target as HTMLElement).closest<HTMLElement>("[data-day]")?.dataset["day"];
    if (day) editing.commit(day, "stay");
  });
  input.addEventListener("input", draw);
  draw();
  line.element.append(calendar);
  line.element.classList.add("ge-date");
  return { ...line, isRoomy: true };
}

/** A date with a time of day in the reader's own zone. */
export function dateTimeEditor(editing: Editing): Editor {
  const isOld = editing.seed === undefined && typeof editing.value === "string";
  const line = lineEditor(
    { ...editing, seed: isOld ? showDateTime(String(editing.value)) : editing.seed },
    (value) => new Date(String(value)).toLocaleString("en-GB", { dateStyle: "full", timeStyle: "short" }),
  );
  (line.focus as HTMLInputElement).placeholder = "tomorrow 14:30";
  line.element.classList.add("ge-wide");
  return { ...line, isRoomy: true };
}
