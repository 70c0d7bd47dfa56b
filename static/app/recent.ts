/** A place somebody was at. */
export interface Place {
  readonly label: string;
  readonly href: string;
  readonly kind: string;
}

/** How many are kept. */
const MOST = 8;

/** Places worth coming back to, by the beginning of their address. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^\/investors\/[\w-]+$/, "investor"],
  [/^\/contacts\/(?!duplicates$)[\w-]+$/, "contact"],
  [/^\/funds\/(?!new$)[\w-]+$/, "fund"],
  [/^\/imports\/[\w-]+$/, "import"],
];

/** The kind of a page worth coming back to. */
export function kindOf(path: string): string | null {
  return KINDS.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

/** The newest places of one person, kept in their browser. */
export class Recent {
  private readonly key: string;

  constructor(user: string, private readonly storage: Storage | null) {
    this.key = `crm-recent:${user}`;
  }

  /** The newest first. What cannot be read counts as nothing. */
  list(): Place[] {
    try {
      const kept: unknown = JSON.parse(this.storage?.getItem(this.key) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isPlace).slice(0, MOST) : [];
    } catch {
      return [];
    }
  }

  /** Puts a place first. */
  add(place: Place): void {
    const others = this.list().filter((known) => known.href !== place.href);
    try {
      this.storage?.setItem(this.key, JSON.stringify([place, ...others].slice(0, MOST)));
    } catch {
      // A full or forbidden storage only means that nothing is remembered.
    }
  }

  /** Names of investors stay with nobody who signed out. */
  clear(): void {
    try {
      this.storage?.removeItem(this.key);
    } catch {
      // See above.
    }
  }
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== "object" || value === null) return false;
  const { label, href, kind } = value as Record<string, unknown>;
  // Only pages of ours: the storage is anybody's to write who sits at the browser.
  return typeof label === "string" && typeof kind === "string" && typeof href === "string" && /^\/(?![/\\])/.test(href);
}
