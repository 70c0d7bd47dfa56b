/** Waiting time before the next attempt: doubling, at most a minute. */
export function backoff(attempt: number, chance: number): number {
  return Math.round(Math.min(60_000, 1_000 * 2 ** attempt) * (0.75 + chance / 2));
}

/** Runs `work` one at a time; calls during a run make it run once more. */
export function coalesce(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;
  const turn = async (): Promise<void> => {
    do {
      again = false;
      await work();
    } while (again);
  };
  return () => {
    if (running) again = true;
    else running = turn().finally(() => { running = null; });
    return running;
  };
}

/** What a swap must not lose. */
interface Kept {
  readonly open: Map<string, boolean>;
  readonly scroll: Map<string, readonly [number, number]>;
  readonly focus: readonly number[] | string | null;
}

function pathTo(root: Element, element: Element): number[] {
  const path: number[] = [];
  for (let at: Element | null = element; at && at !== root; at = at.parentElement) {
    path.unshift(at.parentElement ? [...at.parentElement.children].indexOf(at) : 0);
  }
  return path;
}

function keep(region: Element): Kept {
  const open = new Map<string, boolean>();
  for (const details of region.querySelectorAll<HTMLDetailsElement>("details[id]")) open.set(details.id, details.open);
  const scroll = new Map<string, readonly [number, number]>();
  for (const box of region.querySelectorAll<HTMLElement>("[id]")) {
    if (box.scrollTop > 0 || box.scrollLeft > 0) scroll.set(box.id, [box.scrollLeft, box.scrollTop]);
  }
  const active = region.ownerDocument.activeElement;
  const inside = active && active !== region && region.contains(active) ? active : null;
  return { open, scroll, focus: inside ? inside.id || pathTo(region, inside) : null };
}

function restore(region: Element, kept: Kept): void {
  for (const [id, open] of kept.open) {
    const details = region.querySelector<HTMLDetailsElement>(`#${CSS.escape(id)}`);
    if (details) details.open = open;
  }
  for (const [id, [left, top]] of kept.scroll) region.querySelector(`#${CSS.escape(id)}`)?.scrollTo(left, top);
  let target: Element | null | undefined = null;
  if (typeof kept.focus === "string") target = region.querySelector(`#${CSS.escape(kept.focus)}`);
  else if (kept.focus) target = kept.focus.reduce<Element | undefined>((at, index) => at?.children[index], region);
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}

/** Whether someone is in the middle of typing, choosing, pressing or dragging in the region. */
function isBusy(region: Element): boolean {
  if (region.hasAttribute("data-busy") || region.hasAttribute("data-pressed")) return true;
  const active = region.ownerDocument.activeElement;
  return !!active && region.contains(active) && active.matches("input, textarea, select");
}

/** Puts the content of `fresh` into `region` and keeps the reader's place. */
export function swap(region: Element, fresh: Element): void {
  if (region.innerHTML === fresh.innerHTML) return;
  const kept = keep(region);
  region.replaceChildren(...fresh.childNodes);
  restore(region, kept);
}

/** Fetches the region anew; false if that must wait until nobody is busy in it. */
async function refresh(region: HTMLElement, after: () => void): Promise<boolean> {
  const url = region.dataset["live"];
  if (!url) return true;
  if (isBusy(region)) return false;
  // The region's own page, with whatever filters its address has now.
  const here = new URL(region.ownerDocument.location.href);
  const there = new URL(url, here);
  if (there.pathname === here.pathname && there.search === "") there.search = here.search;
  const answer = await fetch(there, { headers: { accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return true;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(region.id);
  if (!fresh) return true;
  if (isBusy(region)) return false;
  // A job that has finished has nothing more to say.
  const events = fresh.dataset["liveEvents"];
  if (events) region.dataset["liveEvents"] = events;
  else delete region.dataset["liveEvents"];
  swap(region, fresh);
  after();
  return true;
}

/**
 * Marks the region while a pointer is pressed in it: a button that is replaced between
 * press and release gets no click. `released` runs when nobody is busy any more.
 */
function watchBusy(page: Document, region: HTMLElement, released: () => void): void {
  region.addEventListener("pointerdown", (event) => {
    // Of a press that opens the browser's own menu, the release may never be told.
    if (event.button === 0) region.toggleAttribute("data-pressed", true);
  });
  const release = (): void => {
    if (!region.hasAttribute("data-pressed")) return;
    // The click follows the release.
    window.setTimeout(() => {
      region.removeAttribute("data-pressed");
      released();
    });
  };
  page.addEventListener("pointerup", release);
  page.addEventListener("pointercancel", release);
  region.addEventListener("focusout", () => window.setTimeout(released));
}

function follow(page: Document, region: HTMLElement, after: () => void): void {
  let source: EventSource | null = null;
  let attempt = 0;
  let timer = 0;
  let waits = false;
  const update = coalesce(async () => {
    waits = !(await refresh(region, after).catch(() => true));
  });

  const close = (): void => {
    window.clearTimeout(timer);
    source?.close();
    source = null;
  };
  const hear = (): void => void update().then(() => {
    if (!region.dataset["liveEvents"]) close();
  });
  const open = (): void => {
    const url = region.dataset["liveEvents"];
    if (!url || source || page.hidden) return;
    source = new EventSource(url);
    // The stream tells what changes from now on, not since the page was made or the
    // stream before broke off.
    source.onopen = () => {
      attempt = 0;
      hear();
    };
    source.onmessage = hear;
    source.onerror = () => {
      close();
      timer = window.setTimeout(open, backoff(attempt++, Math.random()));
    };
  };

  page.addEventListener("visibilitychange", () => {
    close();
    if (page.hidden) return;
    // Not only by the stream: a proxy may let none through.
    hear();
    open();
  });
  // A region that was busy catches up on what it missed.
  region.addEventListener("refresh", hear);
  watchBusy(page, region, () => {
    if (waits) hear();
  });
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  open();
}

/** Follows every live region of the page; `after` runs when one changed. */
export function startLive(page: Document, after: () => void): void {
  for (const region of page.querySelectorAll<HTMLElement>("[data-live][data-live-events][id]")) follow(page, region, after);
}
