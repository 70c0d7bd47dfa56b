import type { Names } from "../values";
import type { Choice, Column, Value } from "../wire";

export type Go = "stay" | "down" | "up" | "next" | "previous";

/** What an editor is given, and whom it tells. */
export interface Editing {
  readonly column: Column;
  readonly value: Value;
  /** The key that opened it replaces the value; undefined edits what is there. */
  readonly seed: string | undefined;
  readonly names: Names;
  readonly label: string;
  commit(value: Value, go: Go): void;
  cancel(): void;
  /** Creates an option of the column; it is there at once. */
  addChoice?(name: string): Choice;
}

export interface Editor {
  readonly element: HTMLElement;
  readonly focus: HTMLElement;
  /** Wider or higher than its cell. */
  readonly isRoomy?: boolean;
  /** Focus left: keep what is there if it fits. */
  flush(): void;
}

/** Enter, Tab and Escape mean the same in every editor. */
export function onKeys(element: HTMLElement, save: (go: Go) => void, cancel: () => void): void {
  element.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.altKey) save(event.shiftKey ? "up" : "down");
    else if (event.key === "Tab") save(event.shiftKey ? "previous" : "next");
    else if (event.key === "Escape") cancel();
    else return;
    event.preventDefault();
  });
}

let count = 0;
export function nextId(): string {
  return `ge${++count}`;
}
