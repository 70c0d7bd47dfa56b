// Decimal text in and out. No binary floating point touches an amount.

const SIGNS = /^(?:[€£¥₣$]|[A-Z]{3}(?=[\d\s.(-]|$))|(?:[€£¥₣$]|[A-Z]{3})$/g;

/** Reads "1,234.00", "€1.234,00", "(1 000)", "49 %"; "2.5M" only if `short` is allowed.
    The same rules as the server's, so that what is shown is what is kept. */
export function readAmount(text: string, short = false): string | null {
  let t = text.trim().replace(/[\u00a0\u202f\s'’]/g, "").replace("\u2212", "-");
  let negative = false;
  const inner = /^\((.*)\)$/.exec(t);
  if (inner) [negative, t] = [true, inner[1] ?? ""];
  const signed = t.replace(/^-/, "");
  const bare = signed.replace(SIGNS, "").replace(/^-/, "");
  const money = bare !== signed.replace(/^-/, "");
  if (/-/.test(t)) negative = true;
  t = bare.replace(/%$/, "");
  const unit = /^(.*\d)([kmb])$/i.exec(t);
  if (unit && !short) return null;
  if (unit) t = unit[1] ?? "";
  const plain = withoutThousands(t, money);
  if (plain === null) return null;
  const zeros = unit ? ({ k: 3, m: 6, b: 9 } as Record<string, number>)[(unit[2] ?? "").toLowerCase()] ?? 0 : 0;
  const value = tidy(times10(plain, zeros));
  return negative && value !== "0" ? `-${value}` : value;
}

function withoutThousands(t: string, money: boolean): string | null {
  if (!/^[\d.,]*\d[\d.,]*$/.test(t)) return null;
  const point = t.lastIndexOf(".");
  const comma = t.lastIndexOf(",");
  let decimal: string;
  if (point >= 0 && comma >= 0) decimal = point > comma ? "." : ",";
  else if (point < 0 && comma < 0) return t;
  else {
    const only = point >= 0 ? "." : ",";
    const parts = t.split(only);
    const groups = parts.length > 2 || (parts[1]?.length === 3 && (only === "," || money));
    if (groups) return /^\d{1,3}(.\d{3})+$/.test(t) ? parts.join("") : null;
    decimal = only;
  }
  const other = decimal === "." ? "," : ".";
  const [whole = "", fraction, more] = t.split(decimal);
  if (more !== undefined || fraction?.includes(other)) return null;
  return `${whole.split(other).join("") || "0"}.${fraction ?? ""}`;
}

function times10(plain: string, n: number): string {
  const [whole = "", fraction = ""] = plain.split(".");
  const moved = fraction.padEnd(n, "0");
  return `${whole}${moved.slice(0, n)}.${moved.slice(n)}`;
}

function tidy(plain: string): string {
  const [whole = "", fraction = ""] = plain.split(".");
  const end = fraction.replace(/0+$/, "");
  return `${whole.replace(/^0+(?=\d)/, "") || "0"}${end ? `.${end}` : ""}`;
}

/** a + b × times, exactly. */
export function plus(a: string, b: string, times = 1): string {
  const places = Math.max(a.split(".")[1]?.length ?? 0, b.split(".")[1]?.length ?? 0);
  const sum = scaled(a, places) + scaled(b, places) * BigInt(times);
  const digits = (sum < 0n ? -sum : sum).toString().padStart(places + 1, "0");
  const at = digits.length - places;
  const text = tidy(`${digits.slice(0, at)}.${digits.slice(at)}`);
  return sum < 0n ? `-${text}` : text;
}

function scaled(text: string, places: number): bigint {
  const [whole = "0", fraction = ""] = text.replace("-", "").split(".");
  const n = BigInt((whole || "0") + fraction.padEnd(places, "0"));
  return text.startsWith("-") ? -n : n;
}

/** With thousands, rounded to `precision` places for the eye only. */
export function showAmount(text: string, precision?: number): string {
  const m = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!m) return text;
  let [whole, fraction] = [m[2] ?? "0", m[3] ?? ""];
  if (precision !== undefined && fraction.length > precision) {
    const up = (fraction.charCodeAt(precision) || 48) >= 53;
    let n = BigInt(whole + fraction.slice(0, precision));
    if (up) n += 1n;
    const digits = n.toString().padStart(precision + 1, "0");
    whole = digits.slice(0, digits.length - precision);
    fraction = precision ? digits.slice(-precision) : "";
  } else if (precision !== undefined) fraction = fraction.padEnd(precision, "0");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return `${m[1] ?? ""}${grouped}${fraction ? `.${fraction}` : ""}`;
}
