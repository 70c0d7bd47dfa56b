/** Where a card goes, and what it was when the page drew it. */
export interface Move {
  readonly row: string;
  readonly column: string;
  /** Row version the page was drawn at. */
  readonly base: number;
  /** An option's id or a day; empty for none. */
  readonly to: string;
  /** Set where the column holds moments: the zone, and the time of day to keep. */
  readonly zone?: string | undefined;
  readonly clock?: string | undefined;
}

/** A cell that somebody else changed meanwhile. */
export interface Conflict {
  readonly column: string | null;
  readonly yours: unknown;
  readonly theirs: unknown;
}

export type Answer =
  | { readonly kind: "moved"; readonly version: number }
  | { readonly kind: "same" }
  | { readonly kind: "conflict"; readonly conflict: Conflict }
  | { readonly kind: "refused"; readonly why: string };

const MORNING = "09:00:00";

/** A wall clock's reading in a zone, as if it were UTC. */
function reading(at: number, zone: string): number {
  const format = new Intl.DateTimeFormat("en", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  });
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part["year"] ?? 0, (part["month"] ?? 1) - 1, part["day"], part["hour"], part["minute"], part["second"]);
}

/** The moment at which clocks of a zone read this. Of two the first; one that is skipped comes later, as on the server. */
export function instant(day: string, clock: string, zone: string): string {
  const wanted = Date.parse(`${day}T${clock}Z`);
  const DAY = 86_400_000;
  const offset = (at: number): number => reading(at, zone) - at;
  const [before, after] = [wanted - offset(wanted - DAY), wanted - offset(wanted + DAY)];
  const fits = [before, after].find((at) => reading(at, zone) === wanted);
  return new Date(fits ?? before).toISOString().replace(".000", "");
}

/** The operation that the server is asked for. */
export function operation(move: Move): Record<string, unknown> {
  if (move.column === "@list") return { op: "move", row: move.row, list: move.to, reason: "" };
  let value: string | null = move.to === "" ? null : move.to;
  if (value !== null && move.zone !== undefined) value = instant(value, move.clock || MORNING, move.zone);
  return { op: "set", row: move.row, column: move.column, value, base: move.base };
}

async function post(path: string, method: string, body?: unknown): Promise<Response> {
  return fetch(path, {
    method,
    credentials: "same-origin",
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function refusal(answer: Response): Promise<string> {
  const problem: unknown = await answer.json().catch(() => null);
  const detail = (problem as { detail?: unknown } | null)?.detail;
  return typeof detail === "string" ? detail : `The server answered ${answer.status}.`;
}

const UNREACHED = "The server cannot be reached.";

/** Asks for one move; whatever goes wrong is told, not thrown. */
export async function send(move: Move, summary: string): Promise<Answer> {
  try {
    const answer = await post("/api/fundraising/state", "PATCH", { operations: [operation(move)], summary });
    if (!answer.ok) return { kind: "refused", why: await refusal(answer) };
    const applied = (await answer.json()) as { version: number; changes: number; conflicts: Conflict[] };
    const [conflict] = applied.conflicts;
    if (conflict) return { kind: "conflict", conflict };
    return applied.changes === 0 ? { kind: "same" } : { kind: "moved", version: applied.version };
  } catch {
    return { kind: "refused", why: UNREACHED };
  }
}

/** Takes one change back; a sentence if that failed. */
export async function undo(version: number): Promise<string | null> {
  try {
    const answer = await post(`/api/fundraising/changes/${version}/revert`, "POST");
    if (!answer.ok) return await refusal(answer);
    const undone = (await answer.json()) as { conflicts: Conflict[] };
    return undone.conflicts.length > 0 ? "Somebody moved the card again since. It stays where it is." : null;
  } catch {
    return UNREACHED;
  }
}

/** Where an arrow leads from a place among `count`, `width` to a row; nothing at an edge. */
export function step(at: number, key: string, count: number, width: number): number | null {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: width > 1 ? -width : 0, ArrowDown: width > 1 ? width : 0 }[key] ?? 0;
  const to = at + by;
  return by !== 0 && to >= 0 && to < count ? to : null;
}
