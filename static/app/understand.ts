import { coalesce } from "./live";

interface Understood {
  readonly day: string | null;
  readonly words: string | null;
  readonly detail?: string;
}

/** Says beneath a field which day its words mean; the form works without. */
export function enhanceUnderstand(page: Document): void {
  for (const field of page.querySelectorAll<HTMLInputElement>("input[data-understand]")) {
    const hint = page.getElementById(field.getAttribute("aria-describedby")?.split(" ")[0] ?? "");
    if (!hint) continue;
    const usual = hint.textContent ?? "";
    hint.setAttribute("role", "status");
    const say = (text: string, mark: string): void => {
      hint.textContent = text;
      hint.classList.toggle("is-understood", mark === "understood");
      hint.classList.toggle("is-refused", mark === "refused");
    };
    const ask = coalesce(async () => {
      const text = field.value.trim();
      if (text === "") return say(usual, "");
      const answer = await fetch(`/api/reminders/understand?text=${encodeURIComponent(text)}`).catch(() => null);
      // Somebody may have typed on; the next answer is on its way then.
      if (!answer || text !== field.value.trim()) return;
      if (answer.ok) say(((await answer.json()) as Understood).words ?? usual, "understood");
      // While typing, half a word is no mistake yet.
      else say(usual, "");
    });
    let timer = 0;
    field.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void ask(), 200);
    });
  }
}
