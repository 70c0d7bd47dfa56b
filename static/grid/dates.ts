// Dates as people type them. Days are counted in UTC so that no zone moves them.

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DAY = 86_400_000;

const pad = (n: number, width = 2): string => String(n).padStart(width, "0");

export function iso(ms: number): string {
  const d = new Date(ms);
  return `${pad(d.getUTCFullYear(), 4)}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`;
}

export function parseIso(text: string): number | null {
  const m = /^(\d{4})-(\d{2})-(\d{2})/.exec(text);
  return m ? day(Number(m[1]), Number(m[2]), Number(m[3])) : null;
}

/** Midnight of a day that exists, else null. */
export function day(year: number, month: number, date: number): number | null {
  const full = year < 100 ? year + (year < 70 ? 2000 : 1900) : year;
  const ms = Date.UTC(full, month - 1, date);
  const d = new Date(ms);
  return d.getUTCMonth() === month - 1 && d.getUTCDate() === date ? ms : null;
}

/** The same day some months on; the 31st becomes the last of a shorter month. */
export function addMonths(ms: number, months: number): number {
  const d = new Date(ms);
  const last = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + months + 1, 0)).getUTCDate();
  return Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + months, Math.min(d.getUTCDate(), last));
}

function shift(ms: number, n: number, unit: string): number {
  switch (unit[0]) {
    case "w": return ms + n * 7 * DAY;
    case "m": return addMonths(ms, n);
    case "q": return addMonths(ms, 3 * n);
    case "y": return addMonths(ms, 12 * n);
    default: return ms + n * DAY;
  }
}

function endOf(ms: number, unit: string): number {
  const d = new Date(ms);
  const [y, m] = [d.getUTCFullYear(), d.getUTCMonth()];
  if (unit.startsWith("w")) return ms + ((7 - ((d.getUTCDay() + 6) % 7)) - 1) * DAY;
  if (unit.startsWith("m")) return Date.UTC(y, m + 1, 0);
  if (unit.startsWith("q")) return Date.UTC(y, m - (m % 3) + 3, 0);
  return Date.UTC(y, 12, 0);
}

function weekday(ms: number, which: number, which_week: "this" | "next" | "last"): number {
  const now = new Date(ms).getUTCDay();
  const ahead = (which - now + 7) % 7;
  if (which_week === "last") return ms - (((now - which + 7) % 7) || 7) * DAY;
  return ms + (which_week === "next" ? ahead || 7 : ahead) * DAY;
}

/** Reads "tomorrow", "next fri", "+2w", "31 march", "3/31/26" …; null when it is no date. */
export function readDate(text: string, today: number, format = "iso"): string | null {
  const t = text.trim().toLowerCase().replace(/,/g, " ").replace(/\s+/g, " ");
  const found = relative(t, today) ?? absolute(t, today, format);
  return found === null ? null : iso(found);
}

function relative(t: string, today: number): number | null {
  const word: Record<string, number> = { today: 0, now: 0, tod: 0, tomorrow: 1, tom: 1, yesterday: -1 };
  if (Object.hasOwn(word, t)) return today + (word[t] ?? 0) * DAY;
  let m = /^(?:in )?([+-]?)(\d{1,4}) ?(d|day|days|w|wk|week|weeks|m|mo|month|months|q|quarters?|y|yr|year|years)?( ago)?$/.exec(t);
  // A bare number is a day of the month, not a distance.
  if (m && (m[1] || m[3] || t.startsWith("in "))) return shift(today, Number(m[2]) * (m[1] === "-" || m[4] ? -1 : 1), m[3] ?? "d");
  m = /^(next|last|this|in a|in one|one|a) (week|month|quarter|year)( ago)?$/.exec(t);
  if (m) return shift(today, m[1] === "this" ? 0 : m[1] === "last" || m[3] ? -1 : 1, m[2] ?? "");
  m = /^(?:eo|end of (?:the |this )?)(w|m|q|y)[a-z]*$/.exec(t);
  if (m) return endOf(today, m[1] ?? "m");
  m = /^(?:(next|last|this) )?(sun|mon|tue|wed|thu|fri|sat)[a-z]*$/.exec(t);
  if (m) return weekday(today, DAYS.indexOf(m[2] ?? ""), (m[1] as "next" | "last" | undefined) ?? "this");
  return null;
}

function absolute(t: string, today: number, format: string): number | null {
  const year = new Date(today).getUTCFullYear();
  let m = /^(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})(?:t.*)?$/.exec(t) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(t);
  if (m) return day(Number(m[1]), Number(m[2]), Number(m[3]));
  m = /^(\d{1,2})(?:st|nd|rd|th)?[ .-]*([a-z]{3,9})\.?(?: (\d{4}|\d{2}))?$/.exec(t);
  const name = (s = ""): number => MONTHS.findIndex((known) => s.startsWith(known)) + 1;
  if (m && name(m[2])) return day(Number(m[3] ?? year), name(m[2]), Number(m[1]));
  m = /^([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?(?: (\d{4}|\d{2}))?$/.exec(t);
  if (m && name(m[1])) return day(Number(m[3] ?? year), name(m[1]), Number(m[2]));
  m = /^(\d{1,2})([./-])(\d{1,2})\.?(?:[./-](\d{4}|\d{2}))?$/.exec(t);
  if (m) {
    const [a, b] = [Number(m[1]), Number(m[3])];
    // Dots are European everywhere; a slash follows the column, unless only one reading exists.
    const american = m[2] === "/" && format !== "european";
    return american && a <= 12 ? day(Number(m[4] ?? year), a, b) : (day(Number(m[4] ?? year), b, a) ?? day(Number(m[4] ?? year), a, b));
  }
  m = /^\d{1,2}$/.exec(t);
  if (m) return day(year, new Date(today).getUTCMonth() + 1, Number(t));
  return null;
}

/** A time of day in minutes: "9", "9:30", "2pm", "14.05". */
export function readTime(text: string): number | null {
  const m = /^(\d{1,2})(?:[:.h](\d{2}))? ?(am|pm)?$/i.exec(text.trim());
  if (!m) return null;
  let hour = Number(m[1]);
  const minute = Number(m[2] ?? 0);
  const half = m[3]?.toLowerCase();
  if (half && (hour > 12 || hour === 0)) return null;
  if (half === "pm" && hour < 12) hour += 12;
  if (half === "am" && hour === 12) hour = 0;
  return hour < 24 && minute < 60 ? hour * 60 + minute : null;
}

/** Reads a date and perhaps a time, in the reader's own zone; gives UTC. */
export function readDateTime(text: string, now: number, format = "iso"): string | null {
  const t = text.trim();
  if (/^\d{4}-\d\d-\d\dT/.test(t)) {
    const ms = Date.parse(t);
    return Number.isNaN(ms) ? null : stamp(ms);
  }
  if (/^now$/i.test(t)) return stamp(now);
  const cut = /^(.*?)(?:[ t]+(?:at )?(\d{1,2}(?:[:.h]\d{2}(?: ?(?:am|pm))?| ?(?:am|pm))))?$/i.exec(t);
  const minutes = cut?.[2] === undefined ? 0 : readTime(cut[2]);
  const date = readDate(cut?.[1] || "today", localDay(now), format);
  if (date === null || minutes === null) return null;
  const [y, m, d] = date.split("-").map(Number);
  return stamp(new Date(y ?? 0, (m ?? 1) - 1, d ?? 1, Math.floor(minutes / 60), minutes % 60).getTime());
}

const stamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");

/** Today as the reader's clock shows it, as a UTC midnight. */
export function localDay(now: number): number {
  const d = new Date(now);
  return Date.UTC(d.getFullYear(), d.getMonth(), d.getDate());
}

export function showDate(text: string, format = "iso"): string {
  const ms = parseIso(text);
  if (ms === null) return text;
  const d = new Date(ms);
  const [y, m, dd] = [d.getUTCFullYear(), d.getUTCMonth() + 1, d.getUTCDate()];
  const name = MONTHS[m - 1] ?? "";
  if (format === "european") return `${pad(dd)}.${pad(m)}.${y}`;
  if (format === "us") return `${m}/${dd}/${y}`;
  if (format === "long") return `${dd} ${name.charAt(0).toUpperCase()}${name.slice(1)} ${y}`;
  return iso(ms);
}

export function showDateTime(text: string, format = "iso"): string {
  const d = new Date(text);
  if (Number.isNaN(d.getTime())) return text;
  const local = iso(Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()));
  return `${showDate(local, format)} ${pad(d.getHours())}:${pad(d.getMinutes())}`;
}
