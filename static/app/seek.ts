/** A piece of text, marked if it is what was looked for. */
export interface Part {
  readonly text: string;
  readonly hit: boolean;
}

/** Something found. */
export interface Hit {
  readonly kind: string;
  readonly href: string;
  readonly title: readonly Part[];
  readonly text: readonly Part[];
  readonly about: string | null;
  readonly archived: boolean;
  readonly status: string | null;
}

/** Hits of one kind. */
export interface Group {
  readonly kind: string;
  readonly label: string;
  readonly total: number;
  readonly is_capped: boolean;
  readonly hits: readonly Hit[];
}

/** What the server answers. */
export interface Answer {
  readonly groups: readonly Group[];
  readonly near: readonly string[];
}

/** How the search stands. */
export type Standing =
  | { readonly is: "idle" }
  | { readonly is: "waiting" }
  | { readonly is: "slow" }
  | { readonly is: "failed"; readonly offline: boolean }
  | { readonly is: "found"; readonly answer: Answer };

/** Between the last key and the question: milliseconds. */
const PAUSE = 80;
/** Without an answer for so long, it is said. */
const SLOW = 600;
/** And then it is given up. */
const PATIENCE = 8_000;

type Ask = (query: string, signal: AbortSignal) => Promise<Answer>;

/** Asks while somebody types: the last question only, and the others are dropped. */
export class Seeker {
  private timers: ReturnType<typeof setTimeout>[] = [];
  private running: AbortController | null = null;
  private readonly known = new Map<string, Answer>();

  constructor(
    private readonly ask: Ask,
    private readonly tell: (standing: Standing) => void,
    private readonly isOnline: () => boolean = () => true,
    private readonly pause = PAUSE,
    private readonly slow = SLOW,
    private readonly patience = PATIENCE,
  ) {}

  /** Whether an answer is still to come. */
  get isPending(): boolean {
    return this.timers.length > 0;
  }

  /** What is typed now. */
  type(text: string): void {
    this.stop();
    const query = text.trim();
    if (query === "") return this.tell({ is: "idle" });
    const known = this.known.get(query);
    if (known) return this.tell({ is: "found", answer: known });
    this.tell({ is: "waiting" });
    this.after(this.pause, () => void this.run(query));
  }

  /** Drops the question; what is known may have changed by the next opening. */
  forget(): void {
    this.stop();
    this.known.clear();
  }

  private after(ms: number, then: () => void): void {
    this.timers.push(setTimeout(then, ms));
  }

  private stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
    this.running?.abort();
    this.running = null;
  }

  private async run(query: string): Promise<void> {
    const mine = new AbortController();
    this.running = mine;
    this.after(this.slow, () => this.tell({ is: "slow" }));
    this.after(this.patience, () => {
      this.stop();
      this.tell({ is: "failed", offline: !this.isOnline() });
    });
    try {
      const answer = await this.ask(query, mine.signal);
      if (this.running !== mine) return;
      this.known.set(query, answer);
      this.stop();
      this.tell({ is: "found", answer });
    } catch {
      if (this.running !== mine) return;
      this.stop();
      this.tell({ is: "failed", offline: !this.isOnline() });
    }
  }
}

/** Asks the server. */
export async function askServer(query: string, signal: AbortSignal): Promise<Answer> {
  const answer = await fetch(`/api/search?limit=8&q=${encodeURIComponent(query.slice(0, 500))}`, { signal });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as Answer;
}
