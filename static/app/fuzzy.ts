/**
 * How well `text` matches `query` as a subsequence: higher is better, null is
 * no match. Starts of words and runs of letters count more.
 */
export function score(query: string, text: string): number | null {
  const wanted = query.toLowerCase().replace(/\s+/g, "");
  const inside = text.toLowerCase();
  let total = 0;
  let from = 0;
  let last = -2;
  for (const letter of wanted) {
    const found = inside.indexOf(letter, from);
    if (found < 0) return null;
    total += 1;
    if (found === last + 1) total += 3;
    if (found === 0 || /[\s\-_/]/.test(inside[found - 1] ?? "")) total += 2;
    last = found;
    from = found + letter.length;
  }
  return total - inside.length / 100;
}

/** Items that match, best first; all of them in their order for no query. */
export function rank<T>(query: string, items: readonly T[], text: (item: T) => string): T[] {
  if (query.trim() === "") return [...items];
  return items
    .map((item) => ({ item, points: score(query, text(item)) }))
    .filter((entry): entry is { item: T; points: number } => entry.points !== null)
    .sort((a, b) => b.points - a.points)
    .map((entry) => entry.item);
}

/** The index after `step` from `index` among `length`, going round. */
export function around(index: number, step: number, length: number): number {
  return length === 0 ? -1 : (index + step + length) % length;
}
