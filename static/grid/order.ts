import type { Config } from "./config";
import { problemOf } from "./send";
import type { Group, Order, Problem } from "./wire";

/** The server does not take the view as it is: a filter that cannot be read, say. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** Asks the server which rows the view shows: there is one engine, and it is there. */
export async function ask(config: Config, signal?: AbortSignal, past: string | null = null): Promise<Order> {
  const answer = await fetch(`/api/fundraising/order?${query(config)}${past ? `&as_of=${encodeURIComponent(past)}` : ""}`, { credentials: "same-origin", ...(signal && { signal }) });
  if (answer.status === 422) throw new Refused(await problemOf(answer));
  if (!answer.ok) throw new Error(`order: ${answer.status}`);
  return (await answer.json()) as Order;
}

/** The view by name, and only what differs from it by value. */
export function query(config: Config): string {
  const parts = new URLSearchParams();
  if (config.view) parts.set("view", config.view.id);
  const own = config.unsaved;
  if ("filter" in own) parts.set("filter", JSON.stringify(own.filter ?? { all: [] }));
  if ("sorts" in own) parts.set("sort", JSON.stringify(own.sorts ?? []));
  if ("groups" in own) parts.set("group", JSON.stringify(own.groups ?? []));
  if ("summaries" in own) parts.set("summary", JSON.stringify(own.summaries ?? {}));
  if ("colors" in own) parts.set("colors", JSON.stringify(own.colors ?? []));
  if (config.search) parts.set("search", config.search);
  return parts.toString();
}

/** Names a group by its place among the groups, so that it stays folded. */
export function groupKeys(groups: readonly Group[]): string[] {
  const path: string[] = [];
  return groups.map((group) => {
    path.length = group.depth;
    path.push(`${group.column}=${JSON.stringify(group.value ?? null)}`);
    return path.join("/");
  });
}

/** The lines to show: a slot, or −1−g for the head of group g. */
export function buildLines(slots: ArrayLike<number>, groups: readonly Group[], collapsed: ReadonlySet<string>): Int32Array {
  if (groups.length === 0) return Int32Array.from(slots);
  const keys = groupKeys(groups);
  const lines: number[] = [];
  let until = -1;
  let next = 0;
  for (const [g, group] of groups.entries()) {
    if (group.start < until && group.start + group.count <= until) continue;
    for (; next < group.start; next++) lines.push(slots[next] ?? 0);
    lines.push(-1 - g);
    if (collapsed.has(keys[g] ?? "")) {
      until = group.start + group.count;
      next = until;
    } else if (groups[g + 1] === undefined || (groups[g + 1]?.depth ?? 0) <= group.depth) {
      for (; next < group.start + group.count; next++) lines.push(slots[next] ?? 0);
    }
  }
  for (; next < slots.length; next++) lines.push(slots[next] ?? 0);
  return Int32Array.from(lines);
}

/** What a fresh answer would do to the rows on the screen. */
export interface Drift {
  readonly left: ReadonlySet<number>;
  readonly arrived: readonly number[];
  readonly moved: boolean;
}

export function drift(shown: ArrayLike<number>, fresh: ArrayLike<number>): Drift {
  const now = new Set(Array.from(fresh));
  const before = new Set(Array.from(shown));
  const left = new Set<number>();
  const stayed: number[] = [];
  for (const slot of before) {
    if (now.has(slot)) stayed.push(slot);
    else left.add(slot);
  }
  const arrived: number[] = [];
  let at = 0;
  let moved = false;
  for (const slot of now) {
    if (!before.has(slot)) arrived.push(slot);
    else if (stayed[at++] !== slot) moved = true;
  }
  return { left, arrived, moved };
}
