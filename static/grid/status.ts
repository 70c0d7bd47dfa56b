import { h } from "./dom";
import type { Progress } from "./ops";

/** What saving is doing, in a word that is always on the screen. */
export function words(progress: Progress): { tone: string; text: string } {
  const edits = `${progress.waiting} ${progress.waiting === 1 ? "edit" : "edits"}`;
  if (progress.isSignedOut) return { tone: "bad", text: `Signed out (${edits} waiting)` };
  if (progress.isOffline) return { tone: "warn", text: progress.waiting > 0 ? `Offline (${edits} waiting)` : "Offline" };
  if (progress.conflicts.length > 0) return { tone: "bad", text: `Conflict (${progress.conflicts.length})` };
  if (progress.waiting > 0) return { tone: "info", text: "Saving…" };
  if (progress.refused > 0) return { tone: "warn", text: `Saved, ${progress.refused} refused` };
  return { tone: "ok", text: "Saved" };
}

export class Status {
  readonly element = h("button", { type: "button", class: "g-status" });
  readonly #dot = h("span", { class: "dot" });
  readonly #text = h("span", { role: "status", "aria-live": "polite" });
  #timer = 0;

  constructor(click: () => void) {
    this.element.append(this.#dot, this.#text);
    this.element.addEventListener("click", click);
    this.show({ waiting: 0, isSending: false, isOffline: false, isSignedOut: false, conflicts: [], refused: 0 });
  }

  show(progress: Progress): void {
    clearTimeout(this.#timer);
    const { tone, text } = words(progress);
    const draw = (): void => {
      this.#dot.className = `dot tone-${tone}`;
      if (this.#text.textContent !== text) this.#text.textContent = text;
    };
    // A quick answer is not worth a flicker, nor worth reading out.
    if (tone === "info") this.#timer = window.setTimeout(draw, 150);
    else draw();
  }
}
