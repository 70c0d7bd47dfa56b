import { h, iconButton } from "./dom";
import type { Speaker } from "./grid";

/** Says things: to screen readers quietly, to everyone as a message that leaves by itself. */
export function makeSpeaker(root: HTMLElement): Speaker {
  const live = h("div", { class: "visually-hidden", "aria-live": "polite", "aria-atomic": "true" });
  const toasts = h("div", { class: "toasts g-toasts" });
  root.append(live, toasts);
  const say = (message: string): void => { live.textContent = message; };
  return {
    say,
    notify(message, tone = "info") {
      // The same message again only starts anew.
      for (const old of toasts.children) if (old.firstChild?.textContent === message) old.remove();
      while (toasts.children.length > 1) toasts.firstElementChild?.remove();
      const toast = h("div", { class: `toast tone-${tone}`, role: tone === "bad" ? "alert" : "status" }, h("p", {}, message));
      toast.append(iconButton("x", "Close this message", () => toast.remove()));
      toasts.append(toast);
      setTimeout(() => { if (!toast.matches(":hover, :focus-within")) toast.remove(); }, tone === "bad" ? 12_000 : 2_500 + message.length * 40);
    },
  };
}
