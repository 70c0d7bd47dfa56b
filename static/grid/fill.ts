import { plus } from "./amounts";
import { addMonths, iso, parseIso } from "./dates";
import { shownAs } from "./values";
import type { Column, Value } from "./wire";

const DAY = 86_400_000;

/** Continues a run of values: numbers and dates by their step, others by repeating.
    `at` counts from the first source value and may be negative. */
export function series(column: Column, source: readonly Value[]): (at: number) => Value {
  const repeat = (at: number): Value => source[((at % source.length) + source.length) % source.length] ?? null;
  if (source.length < 2 || source.some((value) => value === null)) return repeat;
  const type = shownAs(column);
  if (type === "number" || type === "currency" || type === "percent") {
    const texts = source.map(String);
    const [first = "0", second = "0"] = texts;
    const step = plus(second, first, -1);
    const even = texts.every((text, i) => text === plus(first, step, i));
    return even && step !== "0" ? (at) => plus(first, step, at) : repeat;
  }
  if (type === "date") return dates(source.map(String)) ?? repeat;
  if (type === "text") return numbered(source.map(String)) ?? repeat;
  return repeat;
}

/** Even days, or the same day of even months (which include even years). */
function dates(texts: readonly string[]): ((at: number) => Value) | null {
  const days = texts.map(parseIso);
  const [first, second] = days;
  if (first === null || first === undefined || second === null || second === undefined) return null;
  const [a, b] = [new Date(first), new Date(second)];
  const months = (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
  const byMonth = months !== 0 && days.every((at, i) => at === addMonths(first, months * i));
  if (byMonth) return (at) => iso(addMonths(first, months * at));
  const step = second - first;
  if (step === 0 || !days.every((at, i) => at === first + step * i)) return null;
  return (at) => iso(first + Math.round(step / DAY) * DAY * at);
}

/** "Fund I 1", "Fund I 2" … goes on counting. */
function numbered(texts: readonly string[]): ((at: number) => Value) | null {
  const parts = texts.map((text) => /^(.*?)(\d{1,9})$/.exec(text));
  const [first, second] = parts;
  if (!first || !second) return null;
  const step = Number(second[2]) - Number(first[2]);
  const even = step !== 0 && parts.every((part, i) => part?.[1] === first[1] && Number(part?.[2]) === Number(first[2]) + step * i);
  if (!even) return null;
  return (at) => {
    const n = Number(first[2]) + step * at;
    return n < 0 ? null : `${first[1] ?? ""}${String(n).padStart(first[2]?.startsWith("0") ? first[2].length : 1, "0")}`;
  };
}
