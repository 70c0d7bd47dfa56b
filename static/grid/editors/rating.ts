import { h } from "../dom";
import { onKeys, type Editing, type Editor } from "./editor";

/** Stars: a digit or the arrows set them, Delete clears. */
export function ratingEditor(editing: Editing): Editor {
  let now = Number(/^[1-9]$/.test(editing.seed ?? "") ? editing.seed : (editing.value ?? 0));
  const most = now > 5 ? 10 : 5;
  const bar = h("div", { class: "ge-stars", role: "slider", tabindex: "0", "aria-label": editing.label, "aria-valuemin": 0, "aria-valuemax": 10 });
  const draw = (): void => {
    bar.setAttribute("aria-valuenow", String(now));
    bar.replaceChildren(...Array.from({ length: Math.max(most, now) }, (_, i) => h("span", { class: i < now ? "on" : "", "data-n": i + 1 }, "★")));
  };
  const save = (go: "stay" | "down" | "up" | "next" | "previous"): void => editing.commit(now || null, go);
  bar.addEventListener("keydown", (event) => {
    const key = event.key;
    if (key === "ArrowRight" || key === "ArrowUp") now = Math.min(10, now + 1);
    else if (key === "ArrowLeft" || key === "ArrowDown") now = Math.max(0, now - 1);
    else if (/^\d$/.test(key)) now = Number(key);
    else if (key === "Delete" || key === "Backspace") now = 0;
    else return;
    draw();
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  bar.addEventListener("pointerdown", (event) => {
    const n = Number((event.target as HTMLElement).dataset["n"]);
    if (!n) return;
    event.preventDefault();
    now = n === now ? 0 : n;
    save("stay");
  });
  onKeys(bar, save, () => editing.cancel());
  draw();
  return { element: h("div", { class: "ge ge-box" }, bar), focus: bar, flush: () => save("stay") };
}
