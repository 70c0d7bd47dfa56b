const places: Readonly<Record<string, string>> = {
  h: "/",
  g: "/grid",
  d: "/day",
  i: "/imports",
  a: "/activity",
  j: "/jobs",
  b: "/backups",
  t: "/settings/team",
};

/** Where "g" and then `key` leads. */
export function placeFor(key: string): string | undefined {
  return Object.hasOwn(places, key) ? places[key] : undefined;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select, dialog *"));
}

/** "g j" goes to the jobs, "/" to the search box, Escape leaves an editor. */
export function enhanceKeys(page: Document): void {
  let pending = 0;
  page.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (event.key === "Escape") target?.closest("form")?.querySelector<HTMLAnchorElement>("a[data-cancel]")?.click();
    if (isTyping(target)) return;
    if (event.key === "/") {
      const search = page.querySelector<HTMLElement>("[data-hotkey='/']");
      if (search) event.preventDefault();
      search?.focus();
    } else if (event.timeStamp < pending) {
      pending = 0;
      const href = placeFor(event.key);
      // Only places this person's navigation offers.
      if (href && page.querySelector(`.nav a[href="${href}"]`)) page.location.assign(href);
    } else if (event.key === "g") pending = event.timeStamp + 1_000;
  });
}
