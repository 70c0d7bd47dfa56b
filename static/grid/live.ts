import { later } from "./dom";
import type { Ops } from "./ops";
import { post } from "./send";
import type { Store } from "./store";
import type { Here, LiveMessage } from "./wire";

const POLL_MS = 5_000;
const BEAT_MS = 20_000;
/** Failures of the stream in a row after which it is asked for changes instead. */
const GIVE_UP = 3;

export interface Heard {
  /** Rows of others changed; null when columns did. */
  changed(slots: ReadonlySet<number> | null, by: readonly string[]): void;
  people(all: readonly Here[]): void;
  /** Saved views changed: ask for them. */
  views(): void;
  /** Too far behind: read everything again. */
  reload(): void;
}

/** Puts a message of changes into the store; cells with unsent edits of ours stay. */
export function takeChanges(message: LiveMessage & { type: "changes" }, store: Store, ops: Ops): ReadonlySet<number> {
  const slots = new Set<number>();
  if (message.columns) store.setColumns(message.columns);
  for (const row of message.rows) {
    store.take(row, (column) => ops.isPending(row.id, column));
    slots.add(row.slot);
  }
  store.version = Math.max(store.version, message.version);
  return slots;
}

/** Follows what others do; by a stream, or by asking where streams do not get through. */
export class Live {
  readonly client = `c${Math.random().toString(36).slice(2, 12)}`;
  #source: EventSource | null = null;
  #failures = 0;
  #paused = false;
  #timer = 0;
  #at: { row: string | null; column: string | null } = { row: null, column: null };
  readonly #tellSoon = later(() => void this.#tell(), 250);

  constructor(readonly store: Store, readonly ops: Ops, readonly heard: Heard) {}

  start(): void {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      if (!this.#source) this.open();
      void this.#tell();
    });
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.open(); });
    addEventListener("online", () => { this.#failures = 0; this.open(); });
    setInterval(() => void this.#tell(), BEAT_MS);
    this.open();
  }

  /** Says where this person is. */
  at(row: string | null, column: string | null): void {
    if (row === this.#at.row && column === this.#at.column) return;
    this.#at = { row, column };
    this.#tellSoon();
  }

  async #tell(): Promise<void> {
    if (document.hidden || !navigator.onLine) return;
    await post("POST", "/api/fundraising/presence", { client: this.client, ...this.#at }).catch(() => undefined);
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #since(): string {
    const stamp = this.store.stamp === undefined ? "" : `&stamp=${this.store.stamp}`;
    return `since=${this.store.version}&epoch=${encodeURIComponent(String(this.store.epoch))}&client=${this.client}${stamp}`;
  }

  /** Hears nothing until opened again: another moment is being looked at. */
  pause(): void {
    this.#paused = true;
    this.#close();
  }

  resume(): void {
    this.#paused = false;
    this.open();
  }

  open(): void {
    this.#close();
    if (this.#paused) return;
    const source = new EventSource(`/api/fundraising/events?${this.#since()}`);
    this.#source = source;
    source.onopen = () => { this.#failures = 0; };
    source.onmessage = (event: MessageEvent<string>) => {
      const message = JSON.parse(event.data) as LiveMessage;
      this.take(message);
      if (message.type === "changes" && this.store.stamp !== undefined && event.lastEventId) this.store.stamp = Number(event.lastEventId);
    };
    // Reopened by hand: the browser would go on asking with the first `since`.
    source.onerror = () => {
      this.#close();
      this.#failures++;
      const wait = Math.min(30_000, 500 * 2 ** this.#failures);
      this.#timer = window.setTimeout(() => (this.#failures < GIVE_UP ? this.open() : void this.#poll()), this.#failures < GIVE_UP ? wait : POLL_MS);
    };
  }

  async #poll(): Promise<void> {
    try {
      const answer = await fetch(`/api/fundraising/changes?${this.#since()}`, { credentials: "same-origin" });
      if (answer.ok) this.take((await answer.json()) as LiveMessage);
    } catch {
      // Asked again below.
    }
    this.#failures++;
    // Now and then the stream gets another chance.
    this.#timer = window.setTimeout(() => (this.#failures % 12 === 0 ? this.open() : void this.#poll()), POLL_MS);
  }

  take(message: LiveMessage): void {
    if (message.type === "presence") this.heard.people(message.people.filter((it) => it.client !== this.client));
    else if (message.type === "reload") {
      this.#close();
      this.heard.reload();
    } else {
      if (message.stamp !== undefined) this.store.stamp = message.stamp;
      const slots = takeChanges(message, this.store, this.ops);
      this.heard.changed(message.columns ? null : slots, message.by);
      if (message.views) this.heard.views();
    }
  }
}
