// What is being written at a place in a formula: which names could come next, and
// which function's argument it is.

export interface Fn { readonly name: string; readonly signature: string; readonly help: string; readonly category: string }
export interface Suggestion { readonly kind: "field" | "function"; readonly name: string; readonly insert: string; readonly hint: string }
export interface Completion { readonly from: number; readonly to: number; readonly all: readonly Suggestion[] }
export interface Call { readonly name: string; readonly argument: number }

/** Walks a formula up to a place; texts and fields are stepped over. */
function scan(source: string, until: number): { calls: { name: string; argument: number }[]; open: { kind: "text" | "field"; at: number } | null } {
  const calls: { name: string; argument: number }[] = [];
  let i = 0;
  while (i < until) {
    const c = source[i] ?? "";
    if (c === "{" || c === '"' || c === "'") {
      const end = closing(source, i, c === "{" ? "}" : c);
      if (end < 0 || end >= until) return { calls, open: { kind: c === "{" ? "field" : "text", at: i } };
      i = end + 1;
      continue;
    }
    if (c === "(") calls.push({ name: (/([A-Za-z_]+)\s*$/.exec(source.slice(0, i))?.[1] ?? "").toUpperCase(), argument: 0 });
    else if (c === ")") calls.pop();
    else if (c === ",") {
      const last = calls.at(-1);
      if (last) last.argument++;
    }
    i++;
  }
  return { calls, open: null };
}

function closing(source: string, from: number, end: string): number {
  for (let i = from + 1; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === end) return i;
  }
  return -1;
}

/** The names that fit what is written before the caret, best first. */
export function complete(source: string, caret: number, fields: readonly string[], functions: readonly Fn[]): Completion | null {
  const { open } = scan(source, caret);
  if (open?.kind === "text") return null;
  if (open?.kind === "field") {
    const typed = source.slice(open.at + 1, caret).toLowerCase();
    // What stands behind the caret up to the brace is replaced too.
    const rest = /^[^{}()"',]*\}/.exec(source.slice(caret))?.[0].length ?? 0;
    const all = ranked(fields, typed, (it) => it).map((name): Suggestion => ({ kind: "field", name, insert: `{${name}}`, hint: "field" }));
    return all.length > 0 ? { from: open.at, to: caret + rest, all } : null;
  }
  const word = /[A-Za-z_][A-Za-z0-9_]*$/.exec(source.slice(0, caret))?.[0] ?? "";
  if (word === "") return null;
  const from = caret - word.length;
  const typed = word.toLowerCase();
  const found = [
    ...ranked(functions, typed, (it) => it.name).map((it): Suggestion => ({ kind: "function", name: it.name, insert: `${it.name}(`, hint: it.help })),
    ...ranked(fields, typed, (it) => it).map((name): Suggestion => ({ kind: "field", name, insert: `{${name}}`, hint: "field" })),
  ];
  // A finished name needs no list below it.
  const all = found.length === 1 && found[0]?.name.toLowerCase() === typed && source[caret] === "(" ? [] : found;
  return all.length > 0 ? { from, to: caret, all: all.slice(0, 30) } : null;
}

function ranked<T>(all: readonly T[], typed: string, name: (it: T) => string): T[] {
  const rank = (it: T): number => name(it).toLowerCase().indexOf(typed);
  return all.filter((it) => rank(it) >= 0).sort((a, b) => Math.min(1, rank(a)) - Math.min(1, rank(b)));
}

/** The function whose arguments the caret is in. */
export function callAt(source: string, caret: number): Call | null {
  const { calls } = scan(source, caret);
  const last = calls.at(-1);
  return last && last.name ? last : null;
}

/** Splits a signature into its parts, so that one of them can be shown bold. */
export function parameters(signature: string): { readonly name: string; readonly parts: readonly string[] } {
  const m = /^([A-Z_0-9]+)\((.*)\)$/s.exec(signature);
  return m ? { name: m[1] ?? "", parts: (m[2] ?? "").split(/,\s*/).filter(Boolean) } : { name: signature, parts: [] };
}

export interface Piece { readonly text: string; readonly kind: "plain" | "field" | "text" | "function" | "number"; readonly isWrong: boolean }

const TOKEN = /\{[^}]*\}?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[A-Za-z_][A-Za-z0-9_]*(?=\s*\()|\d+(?:\.\d+)?|[^{"'A-Za-z_\d]+|[A-Za-z_][A-Za-z0-9_]*/g;

/** A formula in pieces to colour; what is wrong is cut out at its ends. Places count
    characters as the server does, not UTF-16 halves. */
export function pieces(source: string, wrong: { readonly start: number; readonly end: number } | null): Piece[] {
  const chars = Array.from(source);
  const start = wrong ? chars.slice(0, wrong.start).join("").length : -1;
  const end = wrong ? Math.max(start + 1, chars.slice(0, wrong.end).join("").length) : -1;
  const all: Piece[] = [];
  let at = 0;
  for (const [text] of source.matchAll(TOKEN)) {
    const kind = text.startsWith("{") ? "field" : /^["']/.test(text) ? "text" : /^\d/.test(text) ? "number" : /^[A-Za-z_]/.test(text) && /^\s*\(/.test(source.slice(at + text.length)) ? "function" : "plain";
    const cuts = [at, ...[start, end].filter((cut) => cut > at && cut < at + text.length), at + text.length];
    for (let i = 0; i + 1 < cuts.length; i++) {
      const [from = 0, to = 0] = [cuts[i], cuts[i + 1]];
      all.push({ text: source.slice(from, to), kind, isWrong: from >= start && to <= end && start >= 0 });
    }
    at += text.length;
  }
  // A mistake at the very end has nothing to underline: it gets a space.
  if (start >= source.length && start >= 0) all.push({ text: " ", kind: "plain", isWrong: true });
  return all;
}
