export type Theme = "light" | "dark";

/** The theme in force: the one chosen, else the system's. */
export function effective(chosen: string | undefined, systemDark: boolean): Theme {
  if (chosen === "light" || chosen === "dark") return chosen;
  return systemDark ? "dark" : "light";
}

/** The other theme. */
export function other(theme: Theme): Theme {
  return theme === "dark" ? "light" : "dark";
}

/** The toggle changes the page at once and tells the server behind its back. */
export function enhanceTheme(page: Document): void {
  const root = page.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const forms = [...page.querySelectorAll<HTMLFormElement>("form[data-theme-form]")];

  const draw = (): void => {
    const next = other(effective(root.dataset["theme"], dark.matches));
    for (const form of forms) {
      const button = form.querySelector("button");
      if (!button) continue;
      button.value = next;
      button.setAttribute("aria-label", `Use the ${next} theme`);
      const symbol = button.querySelector("use");
      const href = symbol?.getAttribute("href")?.split("#")[0];
      if (symbol && href) symbol.setAttribute("href", `${href}#${next === "dark" ? "moon" : "sun"}`);
    }
  };

  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const next = other(effective(root.dataset["theme"], dark.matches));
      root.dataset["theme"] = next;
      draw();
      const body = new URLSearchParams({ theme: next, next: page.location.pathname });
      fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => undefined);
    });
  }
  dark.addEventListener("change", draw);
  draw();
}
