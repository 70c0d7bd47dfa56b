/** On lists of tasks: arrows choose one, "d" is done, "s" snoozes it until tomorrow. */
export function enhanceDay(page: Document): void {
  const all = [...page.querySelectorAll<HTMLElement>("[data-task]")];
  const help = page.querySelector<HTMLElement>("[data-task-keys]");
  if (all.length === 0 || !help) return;
  help.hidden = false;
  page.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (target?.matches("input, textarea, select, dialog *")) return;
    // Those in a folded group are not in the way.
    const tasks = all.filter((task) => task.checkVisibility());
    const at = tasks.findIndex((task) => task.contains(target));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      const next = tasks[at < 0 ? 0 : at + step];
      if (!next) return;
      event.preventDefault();
      next.querySelector<HTMLElement>("[data-task-link]")?.focus();
      return;
    }
    const task = tasks[at];
    if (!task) return;
    const wanted = { d: "[data-key='d']", s: "button[value='tomorrow']" }[event.key];
    if (wanted) task.querySelector<HTMLElement>(wanted)?.click();
  });
  // One menu at a time, and none once somebody looks elsewhere.
  page.addEventListener("click", (event) => {
    for (const open of page.querySelectorAll<HTMLDetailsElement>("details.snooze[open]")) {
      if (!(event.target instanceof Node && open.contains(event.target))) open.open = false;
    }
  });
}
