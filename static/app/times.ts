const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "3 min. ago" for a moment near now; nothing for one over a week away. */
export function relative(at: number, now: number, language = "en"): string | null {
  const seconds = Math.round((at - now) / 1000);
  const size = Math.abs(seconds);
  if (!Number.isFinite(seconds) || size > 7 * 86_400) return null;
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  if (size < 5) return words.format(0, "second");
  for (const [unit, length] of steps) {
    if (size >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return null;
}

/** Rewrites every relative time under `root`. */
export function refreshTimes(root: ParentNode, now: number): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[data-relative]")) {
    // A date without a time has no minutes to count.
    if (!time.dateTime.includes("T")) continue;
    const at = Date.parse(time.dateTime);
    const text = relative(at, now);
    if (text !== null && time.textContent !== text) time.textContent = text;
    if (!time.title && Number.isFinite(at)) {
      time.title = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" }).format(at);
    }
  }
}

export function startTimes(page: Document, now: () => number): void {
  refreshTimes(page, now());
  setInterval(() => {
    if (!page.hidden) refreshTimes(page, now());
  }, 20_000);
}
