/** How long a message stays: by its length; those about trouble stay. */
export function stayFor(kind: string, text: string): number | null {
  if (kind === "bad" || kind === "warn") return null;
  return Math.min(12_000, 4_000 + text.length * 50);
}

/** Messages leave by themselves, but never while someone reads them. */
export function enhanceToasts(page: Document): void {
  for (const toast of page.querySelectorAll<HTMLElement>("[data-toast]")) {
    const away = (): void => toast.remove();
    toast.querySelector("[data-toast-close]")?.addEventListener("click", away);
    const time = stayFor(toast.dataset["toast"] ?? "", toast.textContent ?? "");
    if (time === null) continue;
    let timer = setTimeout(away, time);
    const hold = (): void => clearTimeout(timer);
    const release = (): void => {
      clearTimeout(timer);
      if (!toast.matches(":hover, :focus-within")) timer = setTimeout(away, time);
    };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", release);
    toast.addEventListener("focusout", () => queueMicrotask(release));
  }
}
