/** On proposals: "j" and "k" go through them, "a" approves, "d" dismisses, "e" edits, "x" chooses. */
export function enhanceProposals(page: Document): void {
  const cards = [...page.querySelectorAll<HTMLElement>("[data-proposal]")];
  const help = page.querySelector<HTMLElement>("[data-proposal-keys]");
  if (cards.length === 0 || !help) return;
  help.hidden = false;
  const focus = (card: HTMLElement | undefined): void => {
    card?.querySelector<HTMLElement>("[data-proposal-link]")?.focus();
    card?.scrollIntoView({ block: "nearest" });
  };
  page.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    const at = cards.findIndex((card) => card.contains(target));
    if (event.key === "Escape" && target?.matches("[data-proposal-form] *")) return focus(cards[at]);
    if (target?.matches("input:not([type='checkbox']), textarea, select, dialog *")) return;
    const step = { j: 1, k: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      return focus(cards[at < 0 ? 0 : at + step]);
    }
    const card = cards[at];
    const wanted = { a: "[data-approve]", d: "[data-dismiss]", x: "[data-pick]" }[event.key];
    if (!card) return;
    if (wanted) card.querySelector<HTMLElement>(wanted)?.click();
    const note = event.key === "e" ? card.querySelector<HTMLTextAreaElement>("[data-note]") : null;
    if (note) {
      event.preventDefault();
      note.focus();
      note.setSelectionRange(note.value.length, note.value.length);
    }
  });
}
