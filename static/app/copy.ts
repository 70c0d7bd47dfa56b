/** Buttons that copy say so, on the button and to screen readers. */
export function enhanceCopy(page: Document): void {
  page.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const button = target?.closest<HTMLElement>("[data-copy]");
    const text = button?.dataset["copy"];
    if (!button || text === undefined) return;
    void copy(page, text).then((done) => announce(page, button, done ? "Copied" : "Press Ctrl+C"));
  });
}

async function copy(page: Document, text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http on a home network has no clipboard: select it instead.
    const field = [...page.querySelectorAll<HTMLInputElement>("input[readonly]")].find((input) => input.value === text);
    field?.focus();
    field?.select();
    return false;
  }
}

function announce(page: Document, button: HTMLElement, text: string): void {
  const status = page.createElement("span");
  status.setAttribute("role", "status");
  status.className = "badge plain tone-ok";
  button.after(status);
  status.textContent = text;
  setTimeout(() => status.remove(), 2_000);
}
